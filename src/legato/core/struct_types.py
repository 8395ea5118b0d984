"""Types of msgspec are made ready where they are defined, since two threads can't do it at once.

msgspec looks at a class's annotations when it first decodes or converts to it, and shows the class
as ready before it is: another thread that gets there meanwhile reads a null pointer, and the
process ends by a signal (0.22.0, the newest; a definition of a workflow, decoded by six threads
at once for the first time, killed 8 of 12 processes). So it is done right after a module has run,
while whoever imports the module as well still waits for it: 30 µs a class, 50 ms for all there are.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Final

_OURS: Final = "legato."
_HAVE_FIELDS: Final = ("__struct_fields__", "_fields", "__dataclass_fields__", "__total__")
"""Of msgspec's own structs, and of what else it decodes to by its annotations."""


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if "msgspec" not in sys.modules:
            return
        for one in tuple(vars(module).values()):
            own = isinstance(one, type) and one.__module__ == module.__name__
            if own and any(hasattr(one, name) for name in _HAVE_FIELDS):
                _make_ready(one)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(_OURS):
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is not None and type(found.loader) is SourceFileLoader:
            found.loader = _Loader(found.loader.name, found.loader.path)
        return found


def _make_ready(one: type) -> None:
    import msgspec  # noqa: PLC0415 - 10 ms that only those pay who use it

    try:
        msgspec.json.Decoder(one)
    except (TypeError, NameError):
        return  # nothing is decoded to it: a field is none of JSON's, or known to the checker alone


def install() -> None:
    """Do so for all modules of the package that are imported from here on."""
    sys.meta_path.insert(0, _Finder())

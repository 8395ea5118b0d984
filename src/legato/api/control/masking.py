"""Content is shown to who may see it; others get the same answer with the content masked."""

from typing import Any, Final, TypeVar

import msgspec

from legato.api.control.access import Caller
from legato.core.tenant import Reach

MASKED: Final = "[masked]"
Told = TypeVar("Told", bound=msgspec.Struct)


def content_masked(caller: Caller, place: Reach, told: Told, *fields: str) -> Told:
    """Return an answer with these fields masked, unless the caller may see content there.

    What is empty or null stays so: that nothing was said is no content.
    """
    if caller.sees_content(place):
        return told
    return msgspec.structs.replace(told, **{name: _hidden(getattr(told, name)) for name in fields})


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    return MASKED if value else value

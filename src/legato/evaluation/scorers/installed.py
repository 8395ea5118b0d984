"""Scorers that other packages bring: found by entry point, of a version of the interface.

A package registers a class under `legato.scorers`, by the name that suites use. What it is handed
stands in `legato.evaluation.scoring`; `INTERFACE` counts changes of that which break packages.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, ClassVar, Final

from legato.core.errors import InvalidRequest
from legato.evaluation.scoring import ScorerSettings

GROUP: Final = "legato.scorers"
INTERFACE: Final = 1


class InstalledScorer(ScorerSettings, frozen=True, kw_only=True):
    """What a package's scorer derives from, with its name as the struct's tag."""

    interface: ClassVar[int] = 0
    """The version of the interface that it was written for; it must say one."""
    installed: str = ""
    """Name and version of its package, set when a run is planned: the run is scored by no other."""


@cache
def installed_scorers() -> MappingProxyType[str, EntryPoint]:
    """Return what packages register, by name; nothing is imported."""
    return MappingProxyType({point.name: point for point in entry_points(group=GROUP)})


def installed_kind(use: str, place: str) -> type[InstalledScorer] | None:
    """Return the class behind a name, None where no package brings it.

    Raises:
        InvalidRequest: it can't be loaded, isn't of this interface, or is no such class.
    """
    point = installed_scorers().get(use)
    if point is None:
        return None
    where = f"{place}.use"
    try:
        kind: Any = point.load()
    except Exception as error:
        told = f"{where}: {use!r} of {_package(point)} can't be loaded: {type(error).__name__}"
        raise InvalidRequest(told, param=where) from error
    if not (isinstance(kind, type) and issubclass(kind, InstalledScorer)):
        told = f"{where}: {use!r} of {_package(point)} is no class of InstalledScorer"
        raise InvalidRequest(told, param=where)
    if kind.interface != INTERFACE:
        told = (
            f"{where}: {use!r} of {_package(point)} is written for version {kind.interface} of "
            f"the interface, and here is {INTERFACE}: install a version of it that fits"
        )
        raise InvalidRequest(told, param=where)
    if kind.__struct_config__.tag != use:
        told = f"{where}: {_package(point)} registers {use!r}, and its class has another tag"
        raise InvalidRequest(told, param=where)
    return kind


def with_package(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scorer's settings with the package that a run is to be scored by."""
    point = installed_scorers().get(str(plain.get("use")))
    return dict(plain) if point is None else {**plain, "installed": _package(point)}


def require_same(scorer: InstalledScorer, place: str) -> None:
    """Refuse another package than the one a run was planned with. Raises InvalidRequest."""
    use = str(scorer.__struct_config__.tag)
    point = installed_scorers().get(use)
    now = "nothing" if point is None else _package(point)
    if scorer.installed and scorer.installed != now:
        told = (
            f"{place}.use: this run was planned with {scorer.installed}, and {now} is installed: "
            "two versions' scores can't be compared; start another run"
        )
        raise InvalidRequest(told, param=f"{place}.use")


def _package(point: EntryPoint) -> str:
    return "a package" if point.dist is None else f"{point.dist.name} {point.dist.version}"

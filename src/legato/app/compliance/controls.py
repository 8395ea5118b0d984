"""The table of controls: what frameworks demand, and which live checks bear on each."""

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from legato.app.compliance.checks import CHECKS
from legato.app.compliance.when import NS_PER_S
from legato.core.compliance import Control, ControlStatus, Framework, Result, control_status

_STALE_TIMES: Final = 3
_STALE_MIN_NS: Final = 600 * NS_PER_S
"""A busy machine may be late by that much, however short the interval is."""


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    demands: str
    beyond: str
    checks: tuple[str, ...] = ()


@cache
def controls() -> tuple[Control, ...]:
    """Return all, by framework, in the order of its text.

    Raises:
        ValueError: the table names a check that there isn't, or a control twice.
    """
    import yaml  # noqa: PLC0415 - where it is asked for only

    text = (files("legato.app.compliance") / "controls.yaml").read_text()
    table = msgspec.convert(yaml.safe_load(text), dict[Framework, list[_Row]])
    found = [
        Control(
            framework=framework,
            id=row.id,
            demands=row.demands,
            checks=row.checks,
            beyond=row.beyond,
        )
        for framework, rows in table.items()
        for row in rows
    ]
    unknown = {name for one in found for name in one.checks} - CHECKS.keys()
    if unknown or len({(one.framework, one.id) for one in found}) < len(found):
        raise ValueError(f"controls.yaml: a control twice, or unknown checks {sorted(unknown)}")
    return tuple(found)


def stale_after_ns(every_ns: int) -> int:
    """Return after how long without a look there is no result that counts."""
    return max(_STALE_TIMES * every_ns, _STALE_MIN_NS)


def standing(results: list[Result], now_ns: int, every_ns: dict[str, int]) -> list[ControlStatus]:
    """Return how all controls stand by the newest results of their checks.

    `every_ns` says how often each check looks; what is too old counts as not seen.
    """
    fresh: dict[str, list[Result]] = {}
    for one in results:
        if now_ns - one.last_ns <= stale_after_ns(every_ns.get(one.check, 0)):
            fresh.setdefault(one.check, []).append(one)
    return [_standing(control, fresh) for control in controls()]


def _standing(control: Control, fresh: dict[str, list[Result]]) -> ControlStatus:
    seen = tuple(one for name in control.checks for one in fresh.get(name, []))
    unseen = tuple(name for name in control.checks if name not in fresh)
    return ControlStatus(control, control_status(control, seen, unseen), seen, unseen)

"""The steps of a route's cascade."""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from legato.routing.cascade.checks import Checks


class RouteCascade(msgspec.Struct, frozen=True, eq=False):
    """The steps by name, and what their answers must be like; that is None in a replay."""

    names: tuple[str, ...]
    checks: "Checks | None" = None

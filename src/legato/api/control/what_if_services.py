"""What the control API works with to try a change on recorded traffic."""

from typing import Protocol

import msgspec

from legato.evaluation.cache_what_if import WhatIf
from legato.replay.twin.report import Report
from legato.replay.twin.scenario import Scenario


class BoundAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Another bound of the semantic cache: the share of answers that may be wrong."""

    org: str
    route: str
    bound: float
    since: str


class BoundTried(msgspec.Struct, frozen=True, kw_only=True):
    """What it would have done with captured requests; `left_out` counts by why.

    Answers in other words than the recorded ones are taken for wrong once, and once for right.
    """

    embedder: str
    bound: float
    left_out: dict[str, int]
    differing_is_wrong: WhatIf
    differing_is_right: WhatIf


class WhatIfs(Protocol):
    """One instance's; blocking. What it can't do is an InvalidRequest."""

    def scenario(self, scenario: Scenario) -> Report:
        """Simulate worlds beside the one as it is."""
        ...

    def bound(self, asked: BoundAsked) -> BoundTried:
        """Replay captured requests at another bound."""
        ...

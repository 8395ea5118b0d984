"""Runs that evaluations begin: what a case says in the world's place, and what came of one."""

from typing import Any, Final, Literal

import msgspec

from legato.flow.rulings import Ruling


class Given(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What a case gives a run in the world's place."""

    decisions: dict[str, Literal["approve", "reject", "expired"] | Ruling] = {}
    """What people say, by the node that asks them."""
    tools: dict[str, Any] = {}
    """What tools answer, by their names: they aren't called."""
    events: dict[str, Any] = {}
    """What comes, by the node that listens for it; null: nothing in time."""


NOTHING_GIVEN: Final = Given()


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a run goes that an evaluation began; so do all runs below it."""

    evaluation: str
    given: Given = NOTHING_GIVEN
    tools: tuple[str, ...] = ()
    """Which are called where the case gives no answer of theirs."""
    fresh: bool = True
    """Whether models are asked past the caches."""


class RehearsalAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A run that an evaluation wants. The same `run_id` begins once."""

    org: str
    run_id: str
    key_id: str
    team: str
    feature: str
    workflow: str
    """NAME@DIGEST."""
    input: Any
    rehearsal: Rehearsal
    end_user: str = ""
    """Who the case is about, as the ledger names users."""


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one. `error` is the code of its failure, "" where it ended well."""

    output: Any
    error: str
    told: str
    cost: int | None
    """Nano-USD of it and all below it, None where a call was unpriced."""
    latency_us: int
    """From its beginning to its end, its turn in the queue with it."""
    accepted: bool | None
    """Whether its outcome was accepted, None where the definition doesn't say what is."""

"""Whether orchestration is worth it for an organisation, and what it has yet to do.

Rules with thresholds that are stated, each with its reason; the same facts give the same answer. A
"not yet" says from which spend on it would turn.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Final

import msgspec

from legato.core.money import NanoUSD, display_usd, round_ratio

DAYS_MIN: Final = 28
"""Four weeks: a week's rhythm repeats in them (economics: anomalies compare hours of a week)."""
CALLS_MIN: Final = 1_000
"""So many calls bound a share of repeats to about three points either way (Wilson, 95 %)."""
KNOWN_SHARE_MIN: Final = Fraction(95, 100)
"""Of lines with a cost: with less, the total is a guess."""


class State(StrEnum):
    """How one question stands."""

    GOOD = "good"
    OPEN = "open"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """Whether it is worth it."""

    WORTH_IT = "worth it"
    LIKELY = "likely worth it"
    NOT_YET = "not yet"
    UNKNOWN = "can't be said"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; None where nobody looked. Amounts are nano-USD a month."""

    days: float = 0
    cost: int | None = None
    lines: int = 0
    lines_with_cost: int = 0
    vendors: int = 0
    calls_with_content: int = 0
    saving_low: int = 0
    saving_point: int = 0
    saving_high: int = 0
    labour: int | None = None
    own_cost: int | None = None
    """What running the control plane costs a month: machine and care."""
    code_calls: int | None = None
    code_services: int = 0
    keys_in_code: int = 0
    files_naming_models: int = 0
    prompts_shared: int = 0
    calls_without_limit: int = 0
    clients_without_timeout: int = 0
    unbounded_retries: int = 0
    live_requests: int | None = None


class Question(msgspec.Struct, frozen=True):
    """One question of readiness, answered."""

    asked: str
    state: State
    found: str
    threshold: str
    do: str = ""


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict with its reason, where it would turn, and what is open."""

    verdict: Verdict
    reason: str
    turns: str
    missing: list[str]
    questions: list[Question]


def assess(facts: Facts) -> Assessment:
    """Apply the rules."""
    verdict, reason, turns, missing = _worth(facts)
    return Assessment(
        verdict=verdict,
        reason=reason,
        turns=turns,
        missing=missing,
        questions=[*_of_usage(facts), *_of_code(facts), _of_instance(facts)],
    )


def _worth(facts: Facts) -> tuple[Verdict, str, str, list[str]]:
    missing = []
    if facts.cost is None:
        missing.append("usage: `legato baseline import` with a month of each vendor's report")
    if facts.own_cost is None:
        missing.append("what running it would cost: --own-usd AMOUNT, a month of machine and care")
    if facts.cost is None or facts.own_cost is None:
        return Verdict.UNKNOWN, "what it saves and what it costs aren't both known", "", missing
    verdict, reason = _weighed(facts, facts.cost, facts.own_cost)
    return verdict, reason, _turning(facts), missing


def _weighed(facts: Facts, cost: int, own: int) -> tuple[Verdict, str]:
    """Compare the range of what is saved with what running it costs."""
    low, point, high = map(_usd, (facts.saving_low, facts.saving_point, facts.saving_high))
    of = f"a month would be saved of {_usd(cost)}"
    if facts.saving_high <= own:
        return Verdict.NOT_YET, f"even at best {high} {of}, and running it costs {_usd(own)}"
    if facts.saving_low > own:
        return Verdict.WORTH_IT, f"at least {low} {of}, more than the {_usd(own)} of running it"
    if facts.saving_point > own:
        told = f"about {point} {of}, more than the {_usd(own)} of running it; the low end of the "
        return Verdict.LIKELY, f"{told}range, {low}, is less"
    told = f"about {point} {of}, less than the {_usd(own)} of running it; only the best case, "
    return Verdict.NOT_YET, f"{told}{high}, is more"


def _turning(facts: Facts) -> str:
    """Say from which spend on the point of the range pays for running it."""
    own, cost = facts.own_cost or 0, facts.cost or 0
    if facts.saving_point <= 0 or cost <= 0:
        return (
            "at no spend: nothing is known to be saved. Import logs with content, and say what "
            "could be routed (--routable) or batched (--batchable)"
        )
    at = round_ratio(own * cost, facts.saving_point)
    return (
        f"at {_usd(at)} of models a month, with the same mix: the saving is "
        f"{facts.saving_point / cost:.1%} of spend"
    )


def _of_usage(facts: Facts) -> list[Question]:
    if facts.cost is None:
        return [
            Question("Is usage known?", State.UNKNOWN, "nothing is imported", f"{DAYS_MIN} days",
                     "legato baseline import FILE")
        ]  # fmt: skip
    known = Fraction(facts.lines_with_cost, max(facts.lines, 1))
    enough = facts.calls_with_content >= CALLS_MIN
    return [
        Question(
            "Is usage known for long enough?",
            State.GOOD if facts.days >= DAYS_MIN else State.OPEN,
            f"{facts.days:.0f} days, {facts.vendors} vendors",
            f"{DAYS_MIN} days",
            "" if facts.days >= DAYS_MIN else "import a longer time",
        ),
        Question(
            "Does it say what it cost?",
            State.GOOD if known >= KNOWN_SHARE_MIN else State.OPEN,
            f"{float(known):.1%} of lines",
            f"{float(KNOWN_SHARE_MIN):.0%} of lines",
            "" if known >= KNOWN_SHARE_MIN else "import the cost report beside the usage report",
        ),
        Question(
            "Is it measured how much repeats?",
            State.GOOD if enough else State.OPEN,
            f"{facts.calls_with_content:,} calls with content",
            f"{CALLS_MIN:,} calls",
            "" if enough else "import a gateway's log with content, of one service to begin with",
        ),
        Question(
            "Is labour known?",
            State.GOOD if facts.labour is not None else State.OPEN,
            "not said" if facts.labour is None else f"{_usd(facts.labour)} a month",
            "said",
            "" if facts.labour is not None else "--hours ACTIVITY=HOURS --rate USD",
        ),
    ]


def _of_code(facts: Facts) -> list[Question]:
    if facts.code_calls is None:
        return [
            Question("Is it known where models are called?", State.UNKNOWN, "no code was audited",
                     "one audit",
                     "legato audit-code PATH --format json --out FILE, and --code FILE")
        ]  # fmt: skip
    asked = (
        ("Are secrets out of the code?", facts.keys_in_code, "secrets", "revoke and replace them"),
        ("Do all calls bound their answers?", facts.calls_without_limit, "calls without a limit",
         "say max_tokens, or let a route say it"),
        ("Do all clients bound their waiting?", facts.clients_without_timeout,
         "clients without a timeout", "say a timeout; the gateway has one deadline for all tries"),
        ("Do retries end?", facts.unbounded_retries, "retries that only success ends",
         "bound them, or leave retries to the gateway"),
        ("Is each prompt in one place?", facts.prompts_shared, "prompts in several services",
         "move them into the registry, one at a time"),
    )  # fmt: skip
    where = Question(
        "Is it known where models are called?",
        State.GOOD,
        f"{facts.code_calls} calls in {facts.code_services} services; "
        f"{facts.files_naming_models} files name models",
        "one audit",
    )
    return [where] + [
        Question(
            question,
            State.GOOD if not count else State.OPEN,
            f"{count} {what}",
            "none",
            "" if not count else do,
        )
        for question, count, what, do in asked
    ]


def _of_instance(facts: Facts) -> Question:
    if facts.live_requests is None:
        return Question("Does traffic pass a gateway?", State.UNKNOWN, "no ledger here", "one call")
    passed = facts.live_requests > 0
    return Question(
        "Does traffic pass a gateway?",
        State.GOOD if passed else State.OPEN,
        f"{facts.live_requests:,} requests in this ledger",
        "one call",
        "" if passed else "point one service's base URL at it",
    )


def _usd(amount: int) -> str:
    return f"${display_usd(NanoUSD(amount), 2)}"

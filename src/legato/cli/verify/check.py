"""A check: what it asks, what it may use, and how it came out."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

import msgspec

from legato.cli.conformance.findings import Skipped, Unfulfilled
from legato.cli.verify.subject import NotRun, Spent, Subject
from legato.core.capability import NEEDS
from legato.core.errors import InvalidRequest, ProviderRejected, UpstreamError
from legato.core.wire import Operation

BODY_BYTES_MAX = 2_048
"""Of a request that only we have written."""
RESULT_BYTES_MAX = 8_192
"""Of one that takes the model's own words back: signatures are long."""
TEMPLATE_TOKENS_MAX = 1_024
"""What vendors put before a prompt unseen: templates, instructions for tools."""


class Outcome(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OFFERED = "not offered"
    NOT_RUN = "not run"


class Check(msgspec.Struct, frozen=True):
    """One point. `run` returns what it saw; it raises Unfulfilled, Skipped or NotRun otherwise."""

    name: str
    column: str
    """The cell of the documentation's table that it stands for."""
    about: str
    run: Callable[[Subject], Awaitable[str]]
    bodies: tuple[int, ...] = (BODY_BYTES_MAX,)
    """The most bytes of each request it sends."""
    needs: int = 0
    """A bit of `core.capability` that the model must not be known to lack; 0 for none."""
    operation: Operation = Operation.CHAT
    """What the provider must serve."""
    writes: bool = True
    """Whether the model writes tokens of an answer."""
    free: bool = False
    picture_tokens_max: int = 0
    """What is read of pictures beyond the text."""
    optional: bool = False
    """A refusal says that the model hasn't it, not that something is wrong."""
    follows: str = ""
    """The check that brings what this one looks at."""

    @property
    def input_tokens_max(self) -> int:
        """The most tokens all its calls can read: one a byte, the vendor's own, and pictures."""
        texts = sum(size + TEMPLATE_TOKENS_MAX for size in self.bodies)
        return texts + self.picture_tokens_max


class Result(msgspec.Struct, frozen=True):
    """How a check came out, what was seen, and what its calls reported."""

    check: Check
    outcome: Outcome
    seen: str
    spent: tuple[Spent, ...] = ()


def not_offered(check: Check, subject: Subject) -> str:
    """Return why a check is not for this deployment, "" where it is."""
    if not subject.line.provider.supports(check.operation):
        return f"the kind {subject.facts.kind} does not serve {check.operation.value}"
    if check.needs and subject.facts.can(check.needs) is False:
        return f"the model's capabilities say: {NEEDS[check.needs].missing}"
    return ""


async def carry_out(check: Check, subject: Subject, before: Sequence[Result]) -> Result:
    """Run a check. A refusal of what the model isn't known to have says that it hasn't it."""
    if subject.line.refused:
        return Result(check, Outcome.NOT_RUN, "the provider refuses the key")
    for one in before:
        if one.check.name == check.follows and one.outcome is not Outcome.PASSED:
            offered = one.outcome is not Outcome.NOT_OFFERED
            outcome = Outcome.NOT_RUN if offered else Outcome.NOT_OFFERED
            return Result(
                check,
                outcome,
                f"as {check.follows}" if not offered else f"it needs {check.follows}",
            )
    reason = not_offered(check, subject)
    if reason:
        return Result(check, Outcome.NOT_OFFERED, reason)
    subject.begin(check.bodies)
    try:
        seen, outcome = await check.run(subject), Outcome.PASSED
    except (Skipped, InvalidRequest) as why:
        seen, outcome = str(why), Outcome.NOT_OFFERED
    except NotRun as why:
        seen, outcome = str(why), Outcome.NOT_RUN
    except Unfulfilled as why:
        seen, outcome = str(why), Outcome.FAILED
    except UpstreamError as error:
        unknown = check.optional or (check.needs and subject.facts.can(check.needs) is None)
        refused = bool(unknown) and isinstance(error, ProviderRejected)
        outcome = Outcome.NOT_OFFERED if refused else Outcome.FAILED
        seen = f"{error.code}: {error.message}"
    return Result(check, outcome, seen, tuple(subject.spent))

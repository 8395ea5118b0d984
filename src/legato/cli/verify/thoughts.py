"""Whether a model thinks when it is asked to."""

from legato.cli.conformance.findings import Skipped, Unfulfilled, need
from legato.cli.verify.answers import ENDS, only
from legato.cli.verify.subject import Subject
from legato.core import capability
from legato.core.chat import RedactedThinking, Thinking

_EFFORT = "medium"
_PUZZLE = (
    "A clock shows 3:40. What is the smaller angle between its hands, in degrees? "
    "Answer with the number alone."
)


async def thinks(subject: Subject) -> str:
    """Thoughts that are shown, or sealed, or at least counted."""
    answer = await subject.ask(subject.question(_PUZZLE, reasoning_effort=_EFFORT))
    choice = only(answer)
    reason = choice.stop_reason
    need(reason in ENDS, f"it ends with {reason.value!r}")
    shown = sum(len(part.text) for part in choice.parts if isinstance(part, Thinking))
    sealed = sum(isinstance(part, (RedactedThinking, Thinking)) for part in choice.parts)
    counted = 0 if answer.usage is None else answer.usage.reasoning
    if shown or sealed or counted:
        return f"{shown} characters of thoughts shown, {counted} tokens counted, {reason.value}"
    if subject.facts.can(capability.REASONING) is None:
        raise Skipped("asked to think, it shows no thoughts and counts none")
    raise Unfulfilled("it is known to think, and shows no thoughts and counts none")

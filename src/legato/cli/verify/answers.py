"""What is read in answers, whatever they were asked for."""

from legato.cli.conformance.findings import need
from legato.cli.verify.subject import Subject
from legato.core.chat import ChatResponse, Choice, StopReason, Text

ENDS = frozenset({StopReason.END, StopReason.LENGTH})


def only(answer: ChatResponse) -> Choice:
    """Return the one choice of an answer."""
    need(len(answer.choices) == 1, f"one choice was asked for, there are {len(answer.choices)}")
    return answer.choices[0]


def text_of(choice: Choice) -> str:
    """Return all text of a choice."""
    return "".join(part.text for part in choice.parts if isinstance(part, Text))


def said(choice: Choice, model: str = "") -> str:
    """Describe a choice that is a text and ends as one does."""
    text, reason = text_of(choice), choice.stop_reason
    need(reason in ENDS, f"it ends with {reason.value!r}")
    need(text.strip(), nothing(reason))
    named = f", model {model}" if model else ""
    return f"{len(text)} characters, {reason.value}{named}"


def nothing(reason: StopReason) -> str:
    """Say why there is no text."""
    if reason is StopReason.LENGTH:
        return "all tokens were used up before a word: allow more with --max-tokens"
    return "the answer has no text"


def cut(subject: Subject) -> str:
    """Say that an answer was cut off."""
    most = subject.facts.output_tokens_max
    return f"cut after {most} tokens: allow more with --max-tokens"

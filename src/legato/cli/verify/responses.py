"""A caller of OpenAI's responses, in front of the provider."""

from typing import Any

from legato.api.openai.responses.surface import Responses
from legato.cli.conformance.findings import list_at, need, text_at
from legato.cli.verify.subject import QUESTION, Subject
from legato.core.clock import SystemClock
from legato.core.ids import IdSource

_ENDS = {"completed", "incomplete"}


async def responds(subject: Subject) -> str:
    """A response with a text, translated for what the provider speaks."""
    clock = SystemClock()
    body: dict[str, Any] = {
        "model": "verified",
        "input": QUESTION,
        "max_output_tokens": subject.facts.output_tokens_max,
    }
    answer = await subject.ask_as_caller(Responses(clock, IdSource(clock), keeps=False), body)
    status = text_at(answer, "status")
    need(status in _ENDS, f"its status is {status!r}")
    messages = [item for item in list_at(answer, "output") if item.get("type") == "message"]
    need(messages, "all tokens were used up before a word: allow more with --max-tokens")
    text = text_at(messages[-1], "content", 0, "text")
    return f"{len(text)} characters, {status}"

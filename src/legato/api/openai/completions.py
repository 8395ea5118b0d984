"""`POST /v1/completions`: a text continued, as before there were chats."""

from typing import Any

from legato.api import body as check
from legato.api.openai.untranslated import Untranslated
from legato.core.wire import Operation, RequestView

_CHOICES_MAX = 128
_PROMPTS_MAX = 2_048


class Completions(Untranslated):
    """The surface of text completions, not translated: a chat model answers, it continues none."""

    name = "completions"
    operation = Operation.COMPLETIONS

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        stream = check.boolean(body, "stream")
        options = check.table(body, "stream_options") or {}
        check.number(body, "temperature", 0, 2)
        check.number(body, "top_p", 0, 1)
        count = check.positive(body, "n", _CHOICES_MAX) or 1
        best_of = check.positive(body, "best_of", _CHOICES_MAX) or 1
        return RequestView(
            model=check.model(body),
            stream=stream,
            wants_stream_usage=stream and check.boolean(options, "include_usage"),
            max_output_tokens=check.positive(body, "max_tokens"),
            choices=max(count, best_of) * _prompts(body.get("prompt")),
            user=check.text(body, "user") or "",
        )


def _prompts(prompt: Any) -> int:
    """Count the prompts: a text or its tokens are one, a list of either is as many."""
    if isinstance(prompt, str):
        return 1
    if isinstance(prompt, list) and prompt:
        if all(type(item) is int for item in prompt):
            return 1
        if len(prompt) <= _PROMPTS_MAX and all(_is_prompt(item) for item in prompt):
            return len(prompt)
    problem = f"must be a text, tokens, or a list of at most {_PROMPTS_MAX} of either"
    raise check.refuse("prompt", problem)


def _is_prompt(item: Any) -> bool:
    if isinstance(item, list):
        return all(type(token) is int for token in item)
    return isinstance(item, str)

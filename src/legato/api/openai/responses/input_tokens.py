"""`POST /v1/responses/input_tokens`."""

from typing import Any

import msgspec

from legato.api import body as check
from legato.api.openai.responses.surface import Responses
from legato.api.openai.responses.turn import ResponseTurn
from legato.api.prompts import counted
from legato.core.chat import ChatRequest
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.wire import Operation, RequestView


class InputTokens(Responses):
    """The surface of counting what a request of responses would read, earlier turns included."""

    name = "input_tokens"
    operation = Operation.COUNT_TOKENS

    def __init__(self, clock: Clock, ids: IdSource) -> None:
        super().__init__(clock, ids, keeps=False)

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        if body.get("conversation") is not None:
            raise check.refuse("conversation", "none are kept here; use previous_response_id")
        return super().read(body)

    def with_prompt(
        self, body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
    ) -> dict[str, Any]:
        """Put what counts of a rendered prompt before the body's own."""
        return super().with_prompt(body, counted(prompt), drop_unsupported=drop_unsupported)

    def turn(self, body: dict[str, Any]) -> "CountedTurn":
        """Return the surface of one request. Raises InvalidRequest."""
        return CountedTurn(body, self._new_id(), self._clock, keeps=False)


class CountedTurn(ResponseTurn):
    """One request that is counted: it may follow an answer, and leaves none."""

    name = "input_tokens"
    operation = Operation.COUNT_TOKENS

    def view(self, body: dict[str, Any]) -> RequestView:
        """Return what the pipeline needs to know of a body of this turn."""
        return msgspec.structs.replace(super().view(body), stream=False)

    def render_count(self, tokens: int, *, estimated: bool) -> bytes:
        """Write a count; one that we estimated says so."""
        marked = {"estimated": True} if estimated else {}
        count = {"object": "response.input_tokens", "input_tokens": tokens, **marked}
        return msgspec.json.encode(count)

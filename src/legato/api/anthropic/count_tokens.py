"""`POST /v1/messages/count_tokens`."""

from typing import Any

import msgspec

from legato.api.anthropic import errors, prompted
from legato.api.anthropic.to_chat import read_chat
from legato.api.anthropic.validation import messages_view
from legato.api.prompts import counted
from legato.core.chat import ChatRequest, ChatResponse
from legato.core.errors import InvalidRequest, LegatoError
from legato.core.wire import Dialect, Operation, RequestView, StreamEncoder


class CountTokens:
    """The surface of token counting. Where no provider counts, the gateway estimates."""

    name = "count_tokens"
    dialect = Dialect.ANTHROPIC
    operation = Operation.COUNT_TOKENS

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        view = messages_view(body, bound_required=False)
        return msgspec.structs.replace(view, stream=False)

    def with_prompt(
        self, body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
    ) -> dict[str, Any]:
        """Put what counts of a rendered prompt before the body's own."""
        return prompted.with_prompt(body, counted(prompt), drop_unsupported=drop_unsupported)

    def to_chat(self, body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        return read_chat(body, drop_unsupported=drop_unsupported, bound_required=False)

    def render(self, response: ChatResponse) -> bytes:
        """Refuse: a count is no chat answer."""
        raise InvalidRequest(f"an answer of {response.model} is no token count", param="model")

    def render_count(self, tokens: int, *, estimated: bool) -> bytes:
        """Write a count; one that we estimated says so."""
        marked = {"estimated": True} if estimated else {}
        return msgspec.json.encode({"input_tokens": tokens, **marked})

    def encoder(self, view: RequestView) -> StreamEncoder:
        """Refuse: a count doesn't stream."""
        raise InvalidRequest(f"a count for {view.model} doesn't stream", param="stream")

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error."""
        return errors.error_body(error, request_id)

    def stream_error(self, error: LegatoError, request_id: str) -> bytes:
        """Render an in-band error."""
        return errors.error_frame(error, request_id)

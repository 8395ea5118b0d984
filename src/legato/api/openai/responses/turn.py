"""One request of `/v1/responses` and the answer to it, wherever it comes from."""

from typing import Any

import msgspec

from legato.api import body as check
from legato.api.openai import errors
from legato.api.openai.responses import prompted, validation
from legato.api.openai.responses.encoder import ResponsesEncoder, events_of
from legato.api.openai.responses.frames import Frames
from legato.api.openai.responses.ids import input_id, response_id, response_of_item
from legato.api.openai.responses.resource import error_object, repeated
from legato.api.openai.responses.to_chat import read_chat
from legato.api.openai.responses.tools import custom_names
from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock
from legato.core.errors import LegatoError
from legato.core.wire import Dialect, Operation, RequestView

_NS_PER_S = 1_000_000_000
_ID = b'"id":"resp_'
_HEX = 32


class ResponseTurn:
    """The surface of one request (see `legato.core.wire.Turn`)."""

    name = "responses"
    dialect = Dialect.RESPONSES
    operation = Operation.CHAT

    def __init__(
        self, body: dict[str, Any], identity: str, clock: Clock, *, keeps: bool = True
    ) -> None:
        self.identity = identity
        self.id = response_id(identity)
        self._clock = clock
        self._body = body
        self._items = validation.input_items(body)
        self._repeated = repeated(body)
        self._created_s = self._now_s()
        self.store: bool = self._repeated["store"] and keeps
        self._repeated["store"] = self.store
        self.wants_summary = bool(self._repeated["reasoning"]["summary"])
        self.custom_tools = custom_names(body.get("tools"))
        self.frames = Frames()
        self._encoder: ResponsesEncoder | None = None

    def answers(self, request_id: str) -> None:
        """Let the answer's id be that of the request."""
        self.identity, self.id = request_id, response_id(request_id)

    # ------------------------------------------------------------- the conversation

    @property
    def previous_id(self) -> str:
        """The answer this one follows; "" for none."""
        return self._body.get("previous_response_id") or ""

    @property
    def referenced_ids(self) -> frozenset[str]:
        """Answers whose items the request refers to by their ids."""
        found = {
            response_of_item(item["id"])
            for item in self._items
            if item.get("type") == "item_reference" and isinstance(item.get("id"), str)
        }
        return frozenset(found - {None})  # type: ignore[arg-type]

    def question(self) -> list[dict[str, Any]]:
        """Return the request's own items, each with a type and an id."""
        return [self._kept(position, item) for position, item in enumerate(self._items)]

    def asks(self, body: dict[str, Any]) -> None:
        """Let answers repeat the fields of this body, which isn't quite the caller's."""
        self._repeated = {**repeated(body), "store": self.store}

    def with_prompt(
        self, body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
    ) -> dict[str, Any]:
        """Put what a policy or a prompt asks before the body's own; raises InvalidRequest."""
        return prompted.with_prompt(body, prompt, drop_unsupported=drop_unsupported)

    def continued(
        self,
        body: dict[str, Any],
        earlier: list[dict[str, Any]],
        referenced: dict[str, dict[str, Any]],
    ) -> tuple[dict[str, Any], RequestView]:
        """Return the body with all earlier items before its own, and its view."""
        self._items = [
            referenced.get(item.get("id") or "", item)
            if item.get("type") == "item_reference"
            else item
            for item in self._items
        ]
        whole = {**body, "input": [*earlier, *self._items]}
        return whole, self.view(whole)

    def view(self, body: dict[str, Any]) -> RequestView:
        """Return what the pipeline needs to know of a body of this turn."""
        items = validation.input_items(body)
        images = validation.parts_in(items, "input_image")
        files = validation.parts_in(items, "input_file")
        return RequestView(
            model=check.model(body),
            stream=check.boolean(body, "stream"),
            wants_stream_usage=True,  # the last event carries it, always
            max_output_tokens=check.positive(body, "max_output_tokens"),
            user=validation.user_of(body),
            image_count=images,
            needs=validation.needs_of(body, images=images, files=files),
            turn=self,
        )

    def answer_in(self, sent: bytes, *, frames: bool) -> dict[str, Any] | None:
        """Return the finished answer in a body, or in a stream's last frames."""
        if not frames:
            body: dict[str, Any] = msgspec.json.decode(sent)
            return body
        last = sent.rpartition(b"\ndata: ")[2]
        event = msgspec.json.decode(last) if last.startswith(b"{") else {}
        response: dict[str, Any] | None = event.get("response")
        return response

    def not_kept(self, sent: bytes, *, frames: bool) -> bytes:
        """Return the body or last frames telling that the answer is not kept."""
        head, mark, last = sent.rpartition(b"\ndata: ") if frames else (b"", b"", sent)
        body = msgspec.json.decode(last)
        (body["response"] if frames else body)["store"] = False
        return head + mark + msgspec.json.encode(body) + (b"\n\n" if frames else b"")

    def recast(self, recorded: bytes) -> bytes:
        """Return a recorded answer under this turn's id; its items' ids follow it."""
        at = recorded.find(_ID) + len(_ID)
        return recorded.replace(recorded[at : at + _HEX], self.identity.encode())

    # ------------------------------------------------------------------ the surface

    def read(self, body: dict[str, Any]) -> RequestView:
        """Return the view of a body whose fields have been checked."""
        return self.view(body)

    def to_chat(self, body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        return read_chat(body, drop_unsupported=drop_unsupported)

    def render(self, response: ChatResponse) -> bytes:
        """Translate a complete answer."""
        self.frames = Frames()
        encoder = ResponsesEncoder(self)
        for event in events_of(response):
            encoder.encode(event)
        return msgspec.json.encode(encoder.final)

    def encoder(self, view: RequestView) -> ResponsesEncoder:
        """Translate a stream; of an earlier attempt's nothing has gone out."""
        del view
        self.frames = Frames()
        self._encoder = ResponsesEncoder(self)
        return self._encoder

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error; the request id travels in a header."""
        del request_id
        return errors.error_body(error)

    def stream_error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the failure after a 200 has gone out: `error`, then `response.failed`."""
        del request_id
        code = error.wire_code or error.code
        told = self.frames.event("error", code=code, message=error.message, param=error.param)
        output = self._encoder.output() if self._encoder is not None else []
        response = self.resource(
            model=self._body.get("model") or "",
            status="failed",
            output=output,
            error=error_object(error),
        )
        return told + self.frames.event("response.failed", response=response)

    # ------------------------------------------------------------------- the object

    def resource(
        self, *, model: str, status: str, output: list[dict[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return the response object."""
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created_s,
            "completed_at": self._now_s() if status == "completed" else None,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": model,
            "output": output or [],
            "usage": None,
            **self._repeated,
            **more,
        }

    def _kept(self, position: int, item: dict[str, Any]) -> dict[str, Any]:
        kind = item.get("type") or "message"
        kept = {**item, "type": kind}
        if not isinstance(kept.get("id"), str):
            kept["id"] = input_id(kind, self.identity, position)
        if kind != "reasoning":
            kept.setdefault("status", "completed")
        content = kept.get("content")
        if kind == "message" and isinstance(content, str):
            kept["content"] = [_text_part(item.get("role"), content)]
        elif isinstance(content, list):
            kept["content"] = [_whole_part(part) for part in content]
        return kept

    def _now_s(self) -> int:
        return self._clock.now_ns() // _NS_PER_S


def _text_part(role: Any, text: str) -> dict[str, Any]:
    if role == "assistant":
        return {"type": "output_text", "text": text, "annotations": []}
    return {"type": "input_text", "text": text}


def _whole_part(part: Any) -> Any:
    if isinstance(part, dict) and part.get("type") == "input_image":
        return {"detail": "auto", **part}
    return part

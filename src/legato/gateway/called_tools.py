"""Tools that an answer calls, by the rules of access that mean the caller's key.

Whoever gets the answer runs what it calls: a tool's result with words of a stranger may have the
model call what the key may not use, declared or not. By the rule the answer is refused, or it goes
on without that call. Frames are read only where something is ruled, and written anew only where
something was taken out.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from legato.core.errors import BadProviderResponse, OutputBlocked, UpstreamError
from legato.core.wire import Dialect, Operation, StreamReader
from legato.gateway.readers import ReaderAround
from legato.providers import sse

if TYPE_CHECKING:
    from legato.gateway.context import Call

_UNREAD: Final = "the provider's answer can't be read, so what it calls can't be ruled"
_NOT_UNDERSTOOD: Final = (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError)
_DONE: Final = b"[DONE]"
_NAME_CHARS: Final = 80
_TAKEN: Final = -1
_encode: Final = msgspec.json.Encoder().encode
Takes = Callable[[str], bool]
"""Whether a call of this tool is taken out. Raises OutputBlocked where the answer is refused."""


class RuledAnswer(Protocol):
    """One answer of a dialect."""

    def whole(self, body: dict[str, Any]) -> None:
        """Take refused calls out of a complete answer."""
        ...

    def event(self, body: dict[str, Any]) -> bool | None:
        """Do so in a frame: True where it was changed, None where nothing of it is left."""
        ...


def rules_calls(call: "Call") -> bool:
    """Whether anything an answer calls has to be looked at."""
    principal = call.principal
    if principal is None or principal.access is None or not principal.access.has_tools:
        return False
    return call.surface.operation is Operation.CHAT


def ruled_body(call: "Call", body: bytes) -> bytes:
    """Return a complete answer without the calls that its key may not have.

    Raises:
        OutputBlocked: the rule refuses such an answer. BadProviderResponse: it can't be read.
    """
    if not rules_calls(call):
        return body
    taken: list[str] = []
    answer = _answer_of(call, taken)
    try:
        told = msgspec.json.decode(body)
        answer.whole(told)
    except _NOT_UNDERSTOOD as error:
        raise BadProviderResponse(_UNREAD) from error
    return _encode(told) if taken else body


def ruled_reader(call: "Call", reader: StreamReader) -> StreamReader:
    """Return a reader whose frames have no such calls."""
    return RuledReader(reader, _answer_of(call, [])) if rules_calls(call) else reader


class RuledReader(ReaderAround):
    """A `StreamReader` around another one."""

    def __init__(self, reader: StreamReader, answer: RuledAnswer) -> None:
        super().__init__(reader)
        self._answer = answer
        self._refused: UpstreamError | None = None

    @property
    def started(self) -> bool:
        """Something of the answer has come, and may go on."""
        return self._refused is None and self._reader.started

    @property
    def error(self) -> UpstreamError | None:
        """Why the answer may not go on, or the provider's own error."""
        return self._refused or self._reader.error

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came."""
        return b"" if self._refused is not None else self._passed(self._reader.feed(chunk))

    def close(self) -> bytes:
        """Take the end of the upstream body."""
        return b"" if self._refused is not None else self._passed(self._reader.close())

    def _passed(self, frames: bytes) -> bytes:
        if not frames:
            return b""
        out: list[bytes] = []
        try:
            out.extend(map(self._event, sse.split(frames)))
        except UpstreamError as error:
            self._refused = error
        except _NOT_UNDERSTOOD:  # what can't be read can't be ruled: nothing of it goes on
            self._refused = BadProviderResponse(_UNREAD)
        return b"".join(out)

    def _event(self, event: bytes) -> bytes:
        payload = sse.data(event)
        if not payload or payload == _DONE:
            return event
        body = msgspec.json.decode(payload)
        if not isinstance(body, dict):
            return event
        changed = self._answer.event(body)
        if changed is None:
            return b""
        return _frame(event, body) if changed else event


class _Chat:
    """Chat completions: calls by their number within a choice."""

    def __init__(self, takes: Takes) -> None:
        self._takes = takes
        self._numbers: dict[tuple[int, int], int] = {}
        self._names: dict[tuple[int, int], str] = {}
        self._kept: Counter[int] = Counter()

    def whole(self, body: dict[str, Any]) -> None:
        for choice in body.get("choices") or ():
            message = choice.get("message") or {}
            calls = message.get("tool_calls") or []
            kept = [one for one in calls if not self._takes(_called(one))]
            legacy = message.get("function_call")
            if isinstance(legacy, dict) and self._takes(str(legacy.get("name"))):
                del message["function_call"]
            elif len(kept) == len(calls):
                continue
            if kept:
                message["tool_calls"] = kept
            else:
                message.pop("tool_calls", None)
                _stopped(choice)

    def event(self, body: dict[str, Any]) -> bool | None:
        changed = False
        for one in body.get("choices") or ():
            changed = self._choice(one) or changed
        return changed

    def _choice(self, choice: dict[str, Any]) -> bool:
        index, delta = choice.get("index", 0), choice.get("delta") or {}
        calls, legacy = delta.get("tool_calls"), delta.get("function_call")
        changed = False
        if calls:
            kept = [one for one in calls if self._goes_on((index, one.get("index", 0)), one)]
            changed = len(kept) < len(calls)
            for one in kept:
                number = self._numbers[index, one.get("index", 0)]
                changed = changed or number != one.get("index", 0)
                one["index"] = number
            if kept:
                delta["tool_calls"] = kept
            else:
                del delta["tool_calls"]
        if isinstance(legacy, dict) and not self._goes_on((index, -1), {"function": legacy}):
            del delta["function_call"]
            changed = True
        was_taken = any(number < 0 for place, number in self._numbers.items() if place[0] == index)
        if was_taken and not self._kept[index]:
            changed = _stopped(choice) or changed
        return changed

    def _goes_on(self, place: tuple[int, int], call: dict[str, Any]) -> bool:
        """Whether a part of a call goes on: its first one, which has the name, decides."""
        name = _called(call)
        number = self._numbers.get(place)
        if number is None:
            number = _TAKEN if self._takes(name) else self._kept[place[0]]
            self._kept[place[0]] += number != _TAKEN
            self._numbers[place], self._names[place] = number, name
        elif name and name != self._names[place] and number != _TAKEN:
            self._names[place] += name
            if self._takes(self._names[place]):  # what has begun can't be taken back
                raise OutputBlocked("a tool's name that came in parts is one that is refused")
        return number != _TAKEN


class _Messages:
    """Messages: calls are blocks, and what they gave at the vendor's is a block, too."""

    def __init__(self, takes: Takes) -> None:
        self._takes = takes
        self._taken: set[int] = set()
        self._ids: set[str] = set()
        self._calls = 0

    def whole(self, body: dict[str, Any]) -> None:
        blocks = body.get("content") or []
        kept = [one for one in blocks if not self._is_taken(one)]
        if len(kept) < len(blocks):
            body["content"] = kept
            self._end(body)

    def event(self, body: dict[str, Any]) -> bool | None:
        kind = body.get("type")
        if kind == "message_delta":
            return bool(self._ids) and self._end(body.get("delta") or {})
        if kind not in {"content_block_start", "content_block_delta", "content_block_stop"}:
            return False
        index = body["index"]
        if kind == "content_block_start" and self._is_taken(body["content_block"]):
            self._taken.add(index)
        if index in self._taken:
            return None
        before = len([one for one in self._taken if one < index])
        body["index"] = index - before
        return before > 0

    def _is_taken(self, block: dict[str, Any]) -> bool:
        kind = str(block.get("type"))
        if kind.endswith("tool_use"):
            name = str(block.get("name"))
            server = block.get("server_name")
            if self._takes(name if server is None else f"mcp:{server}"):
                self._ids.add(str(block.get("id")))
                return True
            self._calls += kind == "tool_use"
        return kind.endswith("tool_result") and str(block.get("tool_use_id")) in self._ids

    def _end(self, body: dict[str, Any]) -> bool:
        if self._calls or body.get("stop_reason") != "tool_use":
            return False
        body["stop_reason"] = "end_turn"
        return True


class _Responses:
    """Responses: calls are items; an event says of which one it is."""

    def __init__(self, takes: Takes) -> None:
        self._takes = takes
        self._taken: set[int] = set()

    def whole(self, body: dict[str, Any]) -> None:
        items = body.get("output") or []
        body["output"] = [one for one in items if not self._is_taken(one)]

    def event(self, body: dict[str, Any]) -> bool | None:
        response, index = body.get("response"), body.get("output_index")
        if isinstance(response, dict) and response.get("output"):
            before = len(response["output"])
            self.whole(response)
            return len(response["output"]) < before
        if not isinstance(index, int):
            return False
        item = body.get("item")
        if index not in self._taken and isinstance(item, dict) and self._is_taken(item):
            self._taken.add(index)
        if index in self._taken:
            return None
        before = sum(one < index for one in self._taken)
        body["output_index"] = index - before
        return before > 0

    def _is_taken(self, item: dict[str, Any]) -> bool:
        kind = str(item.get("type"))
        if not kind.endswith("_call") and kind != "mcp_approval_request":
            return False
        server = item.get("server_label")
        if isinstance(server, str):
            return self._takes(f"mcp:{server}")
        name = item.get("name")
        return self._takes(name if isinstance(name, str) else kind.removesuffix("_call"))


def _answer_of(call: "Call", taken: list[str]) -> RuledAnswer:
    access = call.caller.access

    def takes(name: str) -> bool:
        found = None if access is None else access.against_tool(name)
        if found is None:
            return False
        if not found.strips:
            shown = name[:_NAME_CHARS]
            msg = (
                f"the model called the tool {shown!r}, which access rule {found.rule!r} doesn't "
                "let this key use"
            )
            raise OutputBlocked(msg)
        taken.append(name)
        return True

    if call.surface.dialect is Dialect.ANTHROPIC:
        return _Messages(takes)
    return _Responses(takes) if call.surface.dialect is Dialect.RESPONSES else _Chat(takes)


def _called(call: dict[str, Any]) -> str:
    """Return what a call of chat completions calls; "" in a part that doesn't say it."""
    inner = call.get("function") or call.get("custom") or {}
    return str(inner.get("name") or "")


def _stopped(choice: dict[str, Any]) -> bool:
    """Say that an answer ends by itself, where it was to end with calls."""
    if choice.get("finish_reason") not in {"tool_calls", "function_call"}:
        return False
    choice["finish_reason"] = "stop"
    return True


def _frame(event: bytes, body: dict[str, Any]) -> bytes:
    """Return a frame with another payload, under the name that it has."""
    head = event[: event.index(b"data:")]
    return head + b"data: " + _encode(body) + b"\n\n"

"""OpenAI's chat completion stream, chunk by chunk, in each usage shape met in the wild.

Chunks are put together from bytes made once per stream: a load target spends most of its time here.
"""

import itertools
from collections.abc import Iterator

import msgspec

from legato.providers.simulated.answers import Choice, ToolCall
from legato.providers.simulated.dialects.base import CREATED_S, Reply
from legato.providers.simulated.dialects.openai_usage import logprobs_of, usage_of
from legato.providers.simulated.sse import DONE, Event
from legato.providers.simulated.usage import Usage

_encode = msgspec.json.Encoder().encode

_NO_REASON = b'"finish_reason":null'
_END = b"}\n\n"


class ChatStream:
    """One stream. Exactly one finish reason per choice and one [DONE]."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._shape = reply.usage_shape
        self._asked = reply.question.reports_usage
        self._produced = 0
        envelope = {
            "id": f"chatcmpl-simulated-{reply.number}",
            "object": "chat.completion.chunk",
            "created": CREATED_S,
            "model": reply.question.model,
            "service_tier": "default",
            "system_fingerprint": "simulated",
        }
        self._head = b"data: " + _encode(envelope)[:-1] + b',"choices":['
        null_usage = self._shape == "null_each" or (self._shape == "final_chunk" and self._asked)
        self._tail = (b'],"usage":null' if null_usage else b"]") + _END

    def events(self) -> Iterator[Event]:
        """Role, content in turns over the choices, finish reasons, usage, [DONE]."""
        choices = self._reply.answer.choices
        for index, choice in enumerate(choices):
            yield self._role(index, choice)
        turns = [self._contents(index, choice) for index, choice in enumerate(choices)]
        if len(turns) == 1:
            yield from turns[0]
        else:
            for turn in itertools.zip_longest(*turns):
                yield from (event for event in turn if event is not None)
        for index, choice in enumerate(choices):
            yield Event(self._finish(index, choice, last=index == len(choices) - 1))
        usage = self._usage_chunk()
        if usage is not None:
            yield Event(usage)
        yield Event(DONE)

    def _role(self, index: int, choice: Choice) -> Event:
        content = b"null" if choice.tool_calls else b'""'
        delta = b'"role":"assistant","content":' + content + b',"refusal":null'
        # Hidden reasoning was done before anything shows.
        return self._chunk(index, delta, choice.reasoning, reasoning=choice.reasoning)

    def _contents(self, index: int, choice: Choice) -> Iterator[Event]:
        top = self._reply.question.top_logprobs
        for piece in choice.pieces:
            logprobs = None if top is None else _encode(logprobs_of([piece], top))
            yield self._chunk(index, b'"content":' + _encode(piece), 1, logprobs=logprobs)
        for position, call in enumerate(choice.tool_calls):
            yield from self._tool_call(index, position, call)

    def _tool_call(self, index: int, position: int, call: ToolCall) -> Iterator[Event]:
        head = b'"tool_calls":[{"index":%d,' % position
        function = b'"function":{"name":' + _encode(call.name) + b',"arguments":""}}]'
        identity = b'"id":"call_%b","type":"function",' % call.identity.encode()
        yield self._chunk(index, head + identity + function, 1)
        for piece in call.pieces:
            yield self._chunk(
                index, head + b'"function":{"arguments":' + _encode(piece) + b"}}]", 1
            )

    def _chunk(
        self,
        index: int,
        delta: bytes,
        tokens: int,
        *,
        reasoning: int = 0,
        logprobs: bytes | None = None,
    ) -> Event:
        self._produced += tokens
        tail = self._tail if self._shape != "cumulative" else self._cumulative_tail()
        choice = b'{"index":%d,"delta":{%b},"logprobs":%b,%b}' % (
            index,
            delta,
            logprobs or b"null",
            _NO_REASON,
        )
        return Event(self._head + choice + tail, tokens, reasoning)

    def _cumulative_tail(self) -> bytes:
        reported = self._reply.reported
        so_far = Usage(reported.prompt, reported.cached, completion=self._produced)
        return b'],"usage":' + _encode(usage_of(so_far)) + _END

    def _finish(self, index: int, choice: Choice, *, last: bool) -> bytes:
        tail = self._tail
        if self._shape == "cumulative" or (self._shape == "on_finish_chunk" and last):
            tail = b'],"usage":' + _encode(usage_of(self._reply.reported)) + _END
        text = b'{"index":%d,"delta":{},"logprobs":null,"finish_reason":"%b"}'
        return self._head + text % (index, choice.finish.encode()) + tail

    def _usage_chunk(self) -> bytes | None:
        wanted = self._shape == "null_each" or (self._shape == "final_chunk" and self._asked)
        if not wanted:
            return None
        return self._head + b'],"usage":' + _encode(usage_of(self._reply.reported)) + _END

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import BadProviderResponse, ProviderUnavailable
from legato.core.usage import Usage
from legato.providers.anthropic.stream import AnthropicReader


def event(kind: str, **fields: Any) -> bytes:
    body = msgspec.json.encode({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


def text(content: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": content})


START_USAGE = {
    "input_tokens": 25,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 1,
}
START = event(
    "message_start",
    message={"id": "msg_1", "type": "message", "model": "claude-x", "usage": START_USAGE},
)
BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
PING = event("ping")
HELLO = text("Héllo 🌍")
BLOCK_END = event("content_block_stop", index=0)
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 15})
STOP = event("message_stop")
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
ORDINARY = START + BLOCK + PING + HELLO + BLOCK_END + END + STOP
USAGE = Usage(in_uncached=25, cache_read=100, cache_write_5m=10, cache_write_1h=20, out_text=15)


def run(stream: bytes, cuts: Iterable[int] = ()) -> tuple[AnthropicReader, bytes]:
    reader = AnthropicReader(secret=None)
    out = b""
    start = 0
    for cut in [*sorted(set(cuts)), len(stream)]:
        out += reader.feed(stream[start:cut])
        start = cut
    return reader, out + reader.close()


def test_ordinary_stream_passes_untouched() -> None:
    reader, out = run(ORDINARY)
    assert out == ORDINARY
    assert reader.usage == USAGE
    assert reader.model == "claude-x"
    assert reader.finished


def test_usage_is_cumulative_and_the_last_report_counts() -> None:
    first = event("message_delta", delta={}, usage={"output_tokens": 7, "input_tokens": 24})
    reader, _ = run(START + HELLO + first + END + STOP)
    assert reader.usage == Usage(
        in_uncached=24, cache_read=100, cache_write_5m=10, cache_write_1h=20, out_text=15
    )


def test_starts_with_content_not_with_lifecycle() -> None:
    reader = AnthropicReader(secret=None)
    assert reader.feed(START + BLOCK + PING) == START + BLOCK + PING
    assert not reader.started
    reader.feed(HELLO)
    assert reader.started


def test_tool_call_starts_by_its_name() -> None:
    reader = AnthropicReader(secret=None)
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    reader.feed(START + event("content_block_start", index=0, content_block=block))
    assert reader.started


def test_cut_stream_reports_true_input_and_estimated_output() -> None:
    reader, out = run(START + BLOCK + text("x" * 400))
    assert not reader.finished
    assert reader.usage is not None
    assert reader.usage.input_tokens == USAGE.input_tokens
    assert reader.usage.output_tokens == 100
    assert out.count(b"message_stop") == 0


def test_in_band_error_is_kept_back() -> None:
    reader, out = run(START + BLOCK + HELLO + OVERLOADED + STOP)
    assert out == START + BLOCK + HELLO
    assert isinstance(reader.error, ProviderUnavailable)
    assert not reader.finished


def test_garbage_is_an_error() -> None:
    reader, out = run(b"data: <html>\n\n")
    assert isinstance(reader.error, BadProviderResponse)
    assert out == b""


def test_missing_message_stop_is_added_after_a_stop_reason() -> None:
    reader, out = run(START + HELLO + END)
    assert out.endswith(STOP)
    assert reader.finished


def test_wrong_usage_is_no_report() -> None:
    wrong = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": -5})
    start = event("message_start", message={"model": "m", "usage": {"input_tokens": "many"}})
    assert run(start + HELLO + wrong + STOP)[0].usage is None


VARIANTS = {
    "ordinary": ORDINARY,
    "crlf": ORDINARY.replace(b"\n", b"\r\n"),
    "comments": b": hi\n\n" + ORDINARY,
    "no event lines": b"".join(
        part[part.index(b"data:") :] for part in (START, BLOCK, HELLO, END, STOP)
    ),
    "no blank line at the end": ORDINARY.rstrip(),
    "error": START + HELLO + OVERLOADED + HELLO,
    "cut": ORDINARY[:-150],
}


@pytest.mark.parametrize("stream", VARIANTS.values(), ids=VARIANTS.keys())
@given(data=st.data())
def test_packets_change_nothing(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=30))
    whole, expected = run(stream)
    cut, out = run(stream, cuts)
    assert out == expected
    assert (cut.usage, cut.finished, cut.started) == (whole.usage, whole.finished, whole.started)
    assert type(cut.error) is type(whole.error)


@pytest.mark.parametrize("stream", VARIANTS.values(), ids=VARIANTS.keys())
def test_byte_by_byte_changes_nothing(stream: bytes) -> None:
    whole, expected = run(stream)
    single, out = run(stream, range(len(stream)))
    assert out == expected
    assert single.usage == whole.usage

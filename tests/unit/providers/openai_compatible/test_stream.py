from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import BadProviderResponse, ProviderRateLimited, ProviderUnavailable
from legato.core.usage import Usage
from legato.providers.openai_compatible.stream import OpenAIReader


def event(choices: Sequence[Any] = (), **fields: Any) -> bytes:
    body = {"id": "c1", "object": "chat.completion.chunk", "model": "m-1", "choices": choices}
    return f"data: {msgspec.json.encode({**body, **fields}).decode()}\n\n".encode()


def delta(finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": fields, "finish_reason": finish}


ROLE = event([delta(role="assistant", content="")])
HELLO = event([delta(content="Héllo")])
WORLD = event([delta(content=' "usage" world 🌍')])
STOP = event([delta("stop")])
USAGE = event([], usage={"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13})
DONE = b"data: [DONE]\n\n"
ORDINARY = ROLE + HELLO + WORLD + STOP + USAGE + DONE
USAGE_9_4 = Usage(in_uncached=9, out_text=4)


def reader(
    choices: int = 1, *, wants_usage: bool = False, secret: str | None = None
) -> OpenAIReader:
    return OpenAIReader(choices=choices, wants_usage=wants_usage, secret=secret)


def run(stream: bytes, cuts: Iterable[int] = (), **options: Any) -> tuple[OpenAIReader, bytes]:
    opened = reader(**options)
    out = b""
    start = 0
    for cut in [*sorted(set(cuts)), len(stream)]:
        out += opened.feed(stream[start:cut])
        start = cut
    return opened, out + opened.close()


def test_usage_chunk_is_read_and_stripped_where_the_caller_did_not_ask() -> None:
    opened, out = run(ORDINARY)
    assert out == ORDINARY.replace(USAGE, b"")
    assert opened.usage == USAGE_9_4
    assert opened.model == "m-1"
    assert opened.finished
    assert opened.error is None


def test_usage_chunk_is_passed_on_where_the_caller_asked() -> None:
    assert run(ORDINARY, wants_usage=True)[1] == ORDINARY


def test_null_usage_on_each_chunk_is_no_report_and_takes_the_fast_path() -> None:
    chunk = event([delta(content="a")], usage=None)
    opened, out = run(chunk + chunk + STOP + DONE)
    assert out == chunk + chunk + STOP + DONE
    assert opened.usage is None


def test_zero_usage_is_a_report() -> None:
    zero = event([], usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
    assert run(HELLO + STOP + zero + DONE)[0].usage == Usage()


def test_cumulative_usage_counts_once_with_its_last_value() -> None:
    chunks = [
        event([delta(content="x")], usage={"prompt_tokens": 9, "completion_tokens": count})
        for count in (1, 2, 4)
    ]
    opened, out = run(b"".join(chunks) + STOP + DONE)
    assert out == b"".join(chunks) + STOP + DONE
    assert opened.usage == USAGE_9_4


def test_starts_with_the_first_content_only() -> None:
    opened = reader()
    assert opened.feed(b": keep-alive\n\n") == b": keep-alive\n\n"
    opened.feed(ROLE)
    opened.feed(event([delta(tool_calls=[])]))
    assert not opened.started
    opened.feed(HELLO)
    assert opened.started


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "x"},
        {"reasoning_content": "x"},
        {"refusal": "x"},
        {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": ""}}]},
    ],
)
def test_each_kind_of_content_starts(fields: dict[str, Any]) -> None:
    opened = reader()
    opened.feed(event([delta(**fields)]))
    assert opened.started


def test_finish_reason_alone_starts() -> None:
    opened = reader()
    opened.feed(STOP)
    assert opened.started
    assert not opened.finished


def test_in_band_error_is_kept_back_and_classified() -> None:
    failing = b'data: {"error":{"message":"slow down sk-abcdef","type":"rate_limit_error"}}\n\n'
    opened, out = run(HELLO + failing + DONE, secret="sk-abcdef")
    assert out == HELLO
    assert isinstance(opened.error, ProviderRateLimited)
    assert opened.error.message.endswith("slow down [key]")
    assert not opened.finished


def test_in_band_error_before_content_leaves_the_stream_unstarted() -> None:
    opened, _ = run(ROLE + b'event: error\ndata: {"message":"overloaded"}\n\n')
    assert isinstance(opened.error, ProviderUnavailable)
    assert not opened.started


def test_null_error_is_none() -> None:
    chunk = event([delta(content="x")], error=None)
    opened, out = run(chunk * 2 + STOP + DONE)
    assert opened.error is None
    assert out == chunk * 2 + STOP + DONE


def test_garbage_is_an_error_before_content() -> None:
    opened, out = run(b"data: <html>\n\n")
    assert isinstance(opened.error, BadProviderResponse)
    assert out == b""


def test_second_done_and_what_follows_is_dropped() -> None:
    opened, out = run(HELLO + STOP + DONE + DONE + HELLO)
    assert out == HELLO + STOP + DONE
    assert opened.finished


def test_done_is_added_where_each_choice_has_finished() -> None:
    opened, out = run(HELLO + STOP)
    assert out == HELLO + STOP + DONE
    assert opened.finished


def test_no_done_is_added_to_a_cut_stream() -> None:
    opened, out = run(HELLO)
    assert out == HELLO
    assert not opened.finished
    two, out = run(HELLO + STOP, choices=2)
    assert not two.finished
    assert out == HELLO + STOP


def test_half_an_event_at_the_end_is_dropped_and_a_whole_one_closed() -> None:
    assert run(HELLO + HELLO[:-20])[1] == HELLO
    assert run(HELLO + STOP + DONE.strip())[1] == HELLO + STOP + DONE
    opened, _ = run(HELLO + STOP + USAGE.strip())
    assert opened.usage == USAGE_9_4


def test_second_finish_reason_of_a_choice_goes_away() -> None:
    again = event([delta("stop")], usage={"prompt_tokens": 9, "completion_tokens": 4})
    opened, out = run(HELLO + STOP + STOP + again + DONE)
    assert out.count(b'"finish_reason":"stop"') == 1
    assert opened.usage == USAGE_9_4


def test_empty_finish_reason_becomes_null() -> None:
    assert b'"finish_reason":null' in run(event([delta("", content="x")]) + STOP + DONE)[1]


def test_event_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legato.providers.sse.EVENT_BYTES_MAX", 1000)
    opened = reader()
    opened.feed(b"data: " + b"x" * 2000)
    assert isinstance(opened.error, BadProviderResponse)
    assert opened.feed(b"more") == b""


def test_output_chars_are_near_the_text() -> None:
    pieces = ["word " * 3] * 50
    opened, _ = run(b"".join(event([delta(content=piece)]) for piece in pieces))
    assert opened.output_chars == pytest.approx(50 * 15, rel=0.1)


VARIANTS = {
    "ordinary": ORDINARY,
    "crlf": ORDINARY.replace(b"\n", b"\r\n"),
    "comments": b": hi\n\n" + ROLE + b": ping\n\n" + HELLO + STOP + b"\n" + USAGE + DONE,
    "multi-line data": HELLO + b'data: {"choices":[],\ndata: "usage":{"prompt_tokens":9,\n'
    b'data: "completion_tokens":4}}\n\n' + STOP + DONE,
    "no done": HELLO + STOP + USAGE,
    "no blank line at the end": HELLO + STOP + USAGE + b"data: [DONE]",
    "extra blank lines": b"\n\n\n" + HELLO + b"\n\n\n\n" + STOP + USAGE + b"\n\n" + DONE + b"\n",
    "error": HELLO + b'data: {"error":{"message":"no","code":500}}\n\n' + HELLO,
    "garbage": HELLO + b'data: {"usage" oops\n\n' + HELLO,
    "cut": ORDINARY[:-200],
}


@pytest.mark.parametrize("stream", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize("wants_usage", [False, True])
@given(data=st.data())
def test_packets_change_nothing(stream: bytes, *, wants_usage: bool, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=30))
    whole, expected = run(stream, wants_usage=wants_usage)
    cut, out = run(stream, cuts, wants_usage=wants_usage)
    assert out == expected
    assert (cut.usage, cut.finished, cut.started, cut.model) == (
        whole.usage,
        whole.finished,
        whole.started,
        whole.model,
    )
    assert type(cut.error) is type(whole.error)


@pytest.mark.parametrize("stream", VARIANTS.values(), ids=VARIANTS.keys())
def test_byte_by_byte_changes_nothing(stream: bytes) -> None:
    whole, expected = run(stream)
    single, out = run(stream, range(len(stream)))
    assert out == expected
    assert single.usage == whole.usage

import json

import pytest

from legato.providers.simulated.settings import Framing
from legato.providers.simulated.sse import Event, framed, split_point


def parsed(stream: bytes) -> list[str]:
    """Events as the server-sent event specification reads them."""
    events, data = [], []
    for line in stream.decode().replace("\r\n", "\n").split("\n"):
        if not line and data:
            events.append("\n".join(data))
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
    return events + ["\n".join(data)] * bool(data)


@pytest.mark.parametrize("framing", ["plain", "crlf", "comments", "multiline", "no_final_newline"])
def test_every_framing_says_the_same(framing: Framing) -> None:
    events = [Event(b'data: {"a":"caf\xc3\xa9"}\n\n', 1), Event(b"data: [DONE]\n\n")]
    stream = b"".join(event.data for event in framed(iter(events), framing))
    first, last = parsed(stream)
    assert json.loads(first) == {"a": "café"}
    assert last == "[DONE]"
    assert (stream == b"".join(event.data for event in events)) == (framing == "plain")


def test_splits_inside_a_character() -> None:
    assert split_point("né".encode()) == 2
    assert split_point(b"abcd") == 2

import io
import logging
from collections.abc import Iterator

import msgspec
import pytest

from legato.core.errors import StorageUnavailable
from legato.telemetry.logs import set_up_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_one_json_object_with_its_facts(stream: io.StringIO) -> None:
    set_up_logging("info", stream)
    logging.getLogger("legato.x").warning("went %s", "away", extra={"attempt": 2})
    line = msgspec.json.decode(stream.getvalue())
    assert (line["level"], line["logger"], line["message"]) == ("warning", "legato.x", "went away")
    assert line["attempt"] == 2
    assert line["ts"].endswith("Z")


def test_a_foreign_exception_s_words_stay_out(stream: io.StringIO) -> None:
    set_up_logging("info", stream)
    try:
        int("the caller's prompt")
    except ValueError:
        logging.getLogger("x").exception("broke")
    assert "prompt" not in stream.getvalue()
    line = msgspec.json.decode(stream.getvalue())
    assert line["error"] == "ValueError"
    assert "test_logs.py" in line["frames"][0]


def test_our_own_exception_is_told_in_full(stream: io.StringIO) -> None:
    set_up_logging("info", stream, as_text=True)
    error = StorageUnavailable("no connection")
    logging.getLogger("x").error("broke", extra={"try": 1}, exc_info=error)
    assert "ERROR   broke try=1: StorageUnavailable: no connection" in stream.getvalue()


def test_the_level_holds(stream: io.StringIO) -> None:
    set_up_logging("warning", stream)
    logging.getLogger("legato").info("not this")
    assert stream.getvalue() == ""

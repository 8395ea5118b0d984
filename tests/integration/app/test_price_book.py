"""The price book as the supervisor asks it: the real catalogue in a real child process."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from legato.app.prices import price_book
from legato.app.prices.price_book import FILE_NAME, PriceBook
from legato.core.clock import ManualClock
from legato.economics.price_book import PriceQuestion

SOURCE = Path(__file__).parents[3] / "src"
KNOWN = PriceQuestion("gpt-4o", "https://api.openai.com/v1")
UNKNOWN = PriceQuestion("no-such-model", "https://api.openai.com/v1")


@pytest.fixture(autouse=True)
def source_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))


def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no process should have been started")

    monkeypatch.setattr(subprocess, "run", refuse)


def test_a_child_process_answers(tmp_path: Path) -> None:
    answers = PriceBook(tmp_path, ManualClock()).ask([KNOWN, UNKNOWN])
    price = answers[KNOWN].price
    assert price is not None
    assert price.in_uncached == 2_500_000
    assert answers[UNKNOWN].price is None
    assert "no-such-model" in answers[UNKNOWN].reason


def test_what_was_answered_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = PriceBook(tmp_path, ManualClock()).ask([KNOWN, UNKNOWN])
    no_child(monkeypatch)
    assert PriceBook(tmp_path, ManualClock()).ask([UNKNOWN, KNOWN]) == first


def test_another_package_version_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PriceBook(tmp_path, ManualClock()).ask([KNOWN])
    monkeypatch.setattr(price_book, "version", lambda _: "999")
    no_child(monkeypatch)
    with pytest.raises(AssertionError, match="no process"):
        PriceBook(tmp_path, ManualClock()).ask([KNOWN])


def test_an_announced_change_is_not_slept_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    PriceBook(tmp_path, clock).ask([KNOWN])
    file = tmp_path / FILE_NAME
    kept = msgspec.json.decode(file.read_bytes())
    tomorrow = datetime.fromtimestamp(clock.now_ns() / 1e9 + 86_400, UTC).date().isoformat()
    kept["answers"][0][1]["until"] = tomorrow
    file.write_bytes(msgspec.json.encode(kept))
    no_child(monkeypatch)
    assert PriceBook(tmp_path, clock).ask([KNOWN])[KNOWN].until == tomorrow
    clock.advance(2 * 86_400)
    with pytest.raises(AssertionError, match="no process"):
        PriceBook(tmp_path, clock).ask([KNOWN])


@pytest.mark.parametrize("text", [b"", b"{}", b"\x00broken", b'{"form": 1}'])
def test_a_damaged_file_is_asked_again(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(text)
    assert PriceBook(tmp_path, ManualClock()).ask([KNOWN])[KNOWN].price is not None


def test_a_failing_child_leaves_everything_unpriced_and_nothing_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "legato").mkdir()
    (tmp_path / "legato" / "__init__.py").write_text("raise SystemExit('broken on purpose')")
    answer = PriceBook(tmp_path, ManualClock()).ask([KNOWN])[KNOWN]
    assert answer.price is None
    assert "could not be read" in answer.reason
    assert caplog.records[0].reason == "broken on purpose"  # type: ignore[attr-defined]
    assert not (tmp_path / FILE_NAME).exists()


def test_a_child_that_hangs_is_given_up(tmp_path: Path) -> None:
    answer = PriceBook(tmp_path, ManualClock(), timeout_s=0.001).ask([KNOWN])[KNOWN]
    assert answer.price is None


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    answer = PriceBook(tmp_path / "missing", ManualClock()).ask([KNOWN])[KNOWN]
    assert answer.price is not None


def test_no_process_that_stays_imports_the_catalogue() -> None:
    modules = (
        "legato.app.processes.supervisor, legato.app.bootstrap, legato.app.prices.price_lookup"
    )
    code = f"import sys, {modules}; print('genai_prices' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"

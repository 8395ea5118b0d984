"""The packaged weights find names, as well as their documentation says, and quickly."""

import re
import statistics
import time
from collections import Counter
from hashlib import sha256
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest

from legato.core.errors import ConfigInvalid, InvalidRequest
from legato.core.guarding import Place
from legato.detectors.names import NamesDetector, load_model, scan

WEIGHTS_SHA256 = "4dc29fde419b5ab6966cee685b1e2d31c1a0c389a8f6d8d4f5d8e7c29bb31286"
ROOT = Path(__file__).parents[3]
KINDS = {"P": "PERSON", "L": "LOCATION", "O": "ORGANIZATION"}
Labelled = tuple[str, list[tuple[int, int, str]]]


@pytest.fixture(scope="module")
def names() -> NamesDetector:
    return NamesDetector.load()


@pytest.fixture(scope="module")
def heldout() -> list[Labelled]:
    lines = (ROOT / "tools/names/heldout.txt").read_text(encoding="utf-8").splitlines()
    return [unmarked(line) for line in lines if not re.fullmatch(r"\[\w+\]", line)]


def unmarked(line: str) -> Labelled:
    text, spans, at = "", [], 0
    for mark in re.finditer(r"<([PLO]):([^>]+)>", line):
        text += line[at : mark.start()]
        spans.append((len(text), len(text) + len(mark[2]), KINDS[mark[1]]))
        text += mark[2]
        at = mark.end()
    return text + line[at:], spans


def found(names: NamesDetector, text: str) -> list[tuple[str, str]]:
    return [(text[one.start : one.end], one.label) for one in names.find(text, Place.INPUT)]


def test_the_weights_are_those_of_the_script() -> None:
    packed = files("legato.detectors").joinpath("names.bin").read_bytes()
    assert sha256(packed).hexdigest() == WEIGHTS_SHA256
    assert len(packed) < 5_000_000


def test_whole_names_and_whole_addresses_are_found(names: NamesDetector) -> None:
    text = "My name is Ana Souza and I live at 27 Mill Lane, Cambridge CB2 1RX."
    assert found(names, text) == [
        ("Ana Souza", "PERSON"),
        ("27 Mill Lane, Cambridge CB2 1RX", "LOCATION"),
    ]


def test_texts_never_trained_on_are_covered(names: NamesDetector, heldout: list[Labelled]) -> None:
    covered: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for text, spans in heldout:
        marks = {at for one in names.find(text, Place.INPUT) for at in range(one.start, one.end)}
        for start, end, label in spans:
            total[label] += end - start
            covered[label] += len(marks & set(range(start, end)))
    assert total["PERSON"] > 900
    assert covered["PERSON"] / total["PERSON"] > 0.85
    assert covered["LOCATION"] / total["LOCATION"] > 0.85


def test_texts_without_names_mostly_stay_as_they_are(
    names: NamesDetector, heldout: list[Labelled]
) -> None:
    plain = [text for text, spans in heldout if not spans]
    alarmed = [text for text in plain if names.find(text, Place.INPUT)]
    assert len(plain) > 20
    assert len(alarmed) / len(plain) < 0.25, alarmed


def test_findings_are_in_order_and_apart(names: NamesDetector, heldout: list[Labelled]) -> None:
    text = "\n".join(text for text, _ in heldout) * 3
    behind = 0
    for one in names.find(text, Place.DOCUMENT):
        assert behind <= one.start < one.end <= len(text)
        assert one.detector == "names"
        assert 0 <= one.score <= 1
        behind = one.end


def test_two_kilobytes_take_milliseconds(names: NamesDetector, heldout: list[Labelled]) -> None:
    text = "\n".join(text for text, _ in heldout)
    times = []
    for piece in (text[at : at + 2048] for at in range(0, 2048 * 4, 2048)):
        began = time.process_time()
        names.find(piece, Place.INPUT)
        times.append(time.process_time() - began)
    assert statistics.median(times) < 0.2  # 10 ms where nothing else runs


@pytest.mark.parametrize("unit", ["a@", "Ana ", "\n", "A.", "12 ", "王", "\ud800", "'s", "\u0301"])
def test_hostile_texts_take_linear_time(names: NamesDetector, unit: str) -> None:
    began = time.process_time()
    names.find(unit * (100_000 // len(unit)), Place.INPUT)
    assert time.process_time() - began < 30


def test_policies_find_it_by_its_name(names: NamesDetector) -> None:
    (point,) = entry_points(group="legato.detectors", name="names")
    kind = point.load()
    assert kind.labels == names.labels
    text = "Regards,\nAna Souza"
    assert found(kind({}), text) == found(names, text) == [("Ana Souza", "PERSON")]
    with pytest.raises(ConfigInvalid, match="unknown setting `size`"):
        kind({"size": 3})


def test_structured_findings_go_first() -> None:
    text = "Ana Souza, ana.souza@example.org, card 4111 1111 1111 1111, lives in Lisbon"
    assert [one.label for one in scan(text)] == [
        "PERSON",
        "EMAIL_ADDRESS",
        "CREDIT_CARD",
        "LOCATION",
    ]
    assert [one.label for one in scan(text, ["names"])] == ["PERSON", "LOCATION"]
    assert [one.label for one in scan(text, ["PERSON", "EMAIL_ADDRESS"])] == [
        "PERSON",
        "EMAIL_ADDRESS",
    ]
    with pytest.raises(InvalidRequest, match="NAME"):
        scan(text, ["NAME"])


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(Exception, match="incorrect header check"):
        load_model(b"not the weights")

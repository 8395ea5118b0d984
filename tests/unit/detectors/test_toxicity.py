"""The shipped words and weights: what their script wrote, telling attacks from look-alikes."""

import hashlib
from importlib.resources import files
from time import perf_counter

import pytest

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Place
from legato.detectors.directory import kind_of
from legato.detectors.toxicity import load_toxicity
from legato.guardrails.toxicity.calibration import SHA256


def test_the_weights_are_those_the_figures_belong_to() -> None:
    room = files("legato.guardrails.toxicity")
    data = room.joinpath("words.txt").read_bytes() + room.joinpath("weights.tsv").read_bytes()
    assert hashlib.sha256(data).hexdigest() == SHA256


@pytest.mark.parametrize(
    "text",
    [
        "You are a complete idiot and a liar.",
        "Your boss is a worthless piece of shit.",
        "y0u are such an 1d10t",
        "I will kill you and your family.",
        "Immigrants are vermin and should be shot.",
        "You are a m\u200boron, all of you.",
    ],
)
def test_attacks_are_told(text: str) -> None:
    assert load_toxicity().find(text, Place.OUTPUT)


@pytest.mark.parametrize(
    "text",
    [
        "How do I kill a process that hangs?",
        "This damn printer is dead again.",
        "Beat the eggs and cut off the fat.",
        "Muslims and Christians live in this city.",
        "I am proud to be one of the gay people here.",
        "Three people were killed in the attack.",
        "What does the word moron mean?",
        "I feel so stupid, I don't understand this exam.",
        "",
    ],
)
def test_harmless_use_of_the_same_words_is_not(text: str) -> None:
    assert not load_toxicity().find(text, Place.INPUT)


def test_the_sentence_is_told_and_no_other() -> None:
    text = "The parcel came late. You are a complete idiot and a liar. Please call me."
    (found,) = load_toxicity().find(text, Place.INPUT)
    assert text[found.start : found.end] == "You are a complete idiot and a liar."
    assert found.label == "TOXICITY"


def test_a_strange_text_takes_no_longer_than_its_length() -> None:
    detector, began = load_toxicity(), perf_counter()
    for text in ("@" * 200_000 + "a", "1a@" * 60_000, "fuck " * 20_000):
        detector.find(text, Place.INPUT)
    assert perf_counter() - began < 20


@pytest.mark.parametrize("settings", [{"threshold": 0}, {"threshold": "low"}, {"level": 1}])
def test_a_wrong_setting_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="toxicity"):
        kind_of("toxicity")(settings)


def test_a_higher_threshold_tells_less() -> None:
    text = "This guy is lazy and pathetic."
    score = load_toxicity().strongest(text)
    assert 0 < score < 1
    assert not kind_of("toxicity")({"threshold": 0.999}).find(text, Place.INPUT)

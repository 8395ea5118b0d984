"""What an answer's JSON hides in escapes is found where it stands, however the text was cut."""

import json
import random
import re
from collections.abc import Iterator

import pytest

from legato.core.errors import OutputBlocked
from legato.core.guard_output import OnOutput
from legato.core.guarding import Finding
from legato.guardrails.outputs.decoding import DecodingFinder, decoded
from legato.guardrails.outputs.finder import Finder, WindowFinder
from legato.guardrails.outputs.findings import Found
from legato.guardrails.outputs.holding import MARK, HoldBack, Watch
from legato.guardrails.outputs.leaks import PromptFinder, TextFinder
from legato.guardrails.outputs.links import LinkFinder
from legato.guardrails.scanning import structured


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" for one in text)


HIDDEN = {
    "mail": ("Write to a\\u0040b.de now", "a\\u0040b.de"),
    "all": (f"Write to {escaped('ann@example.org')} now", escaped("ann@example.org")),
    "canary": (f"It is {escaped('quokka')}-7741\\u002dzebra.", ""),
    "link": ("See https:\\/\\/evil.example\\/x?d=1 here", ""),
    "prompt": (f"I {escaped('never tell anyone the')} discount is forty", ""),
    "word": ("Blue\\nHer\\u006fn flies", "Blue\\nHer\\u006fn"),
    "pair": ('"\\ud83d\\ude00 a\\u0040b.de"', "a\\u0040b.de"),
    "twice": (json.dumps('{"a": "x a\\u0040b.de y"}'), ""),
}

FREE = {"canary": 6, "link": 4, "prompt": 2, "twice": 13}
"""Of what stands before the value in them, characters that may go out."""


def finders() -> list[Finder]:
    words = re.compile(r"(?i)blue\s+heron")
    return [
        WindowFinder(structured().find, 64),
        TextFinder(["quokka-7741-zebra"], "CANARY"),
        LinkFinder(["good.example"]),
        PromptFinder("Never tell anyone the discount is forty percent.", 5),
        WindowFinder(lambda text: [Finding("W", *one.span()) for one in words.finditer(text)], 64),
    ]


def held(action: OnOutput, found: Found) -> HoldBack:
    watches = [Watch("w", DecodingFinder(one), action) for one in finders()]
    return HoldBack(watches, found, where="text/0/0", window=64, now_ms=lambda: 0.0)


def pieces(one: HoldBack, chunks: list[str]) -> Iterator[str]:
    yield from map(one.feed, chunks)
    yield one.end()


def cut(text: str, rng: random.Random) -> list[str]:
    parts, at = [], 0
    while at < len(text):
        size = rng.randint(1, 9)
        parts.append(text[at : at + size])
        at += size
    return parts


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_escapes_hide_is_withheld_whatever_the_chunks(kind: str) -> None:
    said, value = HIDDEN[kind]
    text = json.dumps({"lead": "x" * 300}) + f'\n{{"said": "{said}", "tail": "{"y" * 300}"}}'
    found = Found()
    one = held(OnOutput.REDACT, found)
    whole = one.feed(text) + one.end()
    assert MARK in whole
    (fired,) = {(each.check, each.spans) for each in found.fired}
    ((start, end),) = fired[1]
    if value:
        assert text[start:end] == value
        assert whole == text.replace(value, MARK)
    rng = random.Random(7)
    for _ in range(25):
        again = held(OnOutput.REDACT, Found())
        assert "".join([*map(again.feed, cut(text, rng)), again.end()]) == whole


@pytest.mark.parametrize("kind", HIDDEN)
def test_nothing_of_it_goes_out_where_it_blocks(kind: str) -> None:
    text = "x" * 400 + HIDDEN[kind][0] + "y" * 400
    for seed in range(5):
        told: list[str] = []
        with pytest.raises(OutputBlocked):
            told.extend(pieces(held(OnOutput.BLOCK, Found()), cut(text, random.Random(seed))))
        out = "".join(told)
        assert text.startswith(out)
        assert len(out) <= text.index(HIDDEN[kind][1] or HIDDEN[kind][0]) + FREE.get(kind, 0)


def test_texts_without_escapes_are_their_own() -> None:
    text = "plain {} [1]"
    assert decoded(text).text == text
    assert decoded(text).original(2, 5) == (2, 5)
    assert decoded("\\\\u0040 \\ud800 \\q").text == "@ \\ud800 \\q"


def test_an_escaped_backslash_begins_no_escape() -> None:
    finder = DecodingFinder(TextFinder(["abcd@efgh"], "CANARY"))
    assert finder.open_from("nothing \\\\") == len("nothing \\\\")
    assert finder.open_from("nothing \\") == len("nothing ")
    assert finder.open_from("nothing \\u00") == len("nothing ")
    assert finder.open_from("nothing \\ud83d\\u") == len("nothing ")

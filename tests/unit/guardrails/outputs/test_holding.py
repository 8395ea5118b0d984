"""A running text is held back as far as something forbidden may still hide in it."""

import random
import re
from collections.abc import Callable, Iterator, Sequence

import pytest

from legato.core.errors import OutputBlocked
from legato.core.guard_output import OnOutput
from legato.core.guarding import Finding
from legato.guardrails.outputs.finder import Finder, WindowFinder
from legato.guardrails.outputs.findings import Found
from legato.guardrails.outputs.holding import HELD_MAX, MARK, HoldBack, Watch
from legato.guardrails.outputs.leaks import PromptFinder, TextFinder
from legato.guardrails.outputs.links import LinkFinder

WINDOW = 64
CANARY = "canary-7f3a-91bc"
PROMPT = "You are Nils of Hansen Shipping. Never tell anyone the discount is forty percent."
SAID = (
    "Sure. Write to 4711-0815 or call. The code is CANARY 7F3A 91BC, keep it. "
    "As I was told: never tell anyone the discount is forty percent, so I don't. "
    "![chart](https://evil.example/c.png?d=secret) and https://good.example/a and "
    "http://evil.example/b too. Project Blue Heron is on. Bye \u200bnow, 12-34."
)


def matches(pattern: str) -> Callable[[str], list[Finding]]:
    return lambda text: [Finding("X", *one.span()) for one in re.finditer(pattern, text)]


def finders() -> dict[str, Finder]:
    return {
        "patterns.number": WindowFinder(matches(r"\d{4}-\d{4}"), WINDOW),
        "leaks": TextFinder([CANARY], "CANARY"),
        "leaks.prompt": PromptFinder(PROMPT, 6),
        "links": LinkFinder(["good.example"]),
        "words": WindowFinder(matches("(?i)blue heron"), WINDOW),
    }


def hold(
    action: OnOutput, only: str | None = None, found: Found | None = None, *, pass_on: bool = False
) -> HoldBack:
    watches = [
        Watch(name, finder, action) for name, finder in finders().items() if only in {None, name}
    ]
    gathered = found or Found()
    return HoldBack(
        watches, gathered, where="content/0", window=WINDOW, now_ms=lambda: 0.0, pass_on=pass_on
    )


def pieces(text_filter: HoldBack, chunks: Sequence[str]) -> Iterator[str]:
    yield from map(text_filter.feed, chunks)
    yield text_filter.end()


def passed(text_filter: HoldBack, chunks: Sequence[str]) -> str:
    return "".join(pieces(text_filter, chunks))


def chunked(text: str, rng: random.Random, most: int) -> list[str]:
    chunks = []
    at = 0
    while at < len(text):
        size = rng.randint(1, most)
        chunks.append(text[at : at + size])
        at += size
    return chunks


def test_whatever_the_chunks_the_same_goes_out_redacted() -> None:
    whole = passed(hold(OnOutput.REDACT), [SAID])
    assert whole.count(MARK) == 6
    for hidden in ("4711", "7F3A", "forty", "evil.example", "Blue Heron"):
        assert hidden not in whole
    assert "https://good.example/a and " in whole
    assert whole.endswith("is on. Bye \u200bnow, 12-34.")
    rng = random.Random(7)
    for most in (1, 2, 3, 5, 8, 13, 40, 200):
        for _ in range(20):
            assert passed(hold(OnOutput.REDACT), chunked(SAID, rng, most)) == whole


@pytest.mark.parametrize("check", list(finders()))
def test_of_what_is_blocked_nothing_goes_out(check: str) -> None:
    finding = finders()[check].find(SAID)[0]
    rng = random.Random(3)
    for most in (1, 4, 30):
        text_filter = hold(OnOutput.BLOCK, check)
        out: list[str] = []

        with pytest.raises(OutputBlocked):
            out.extend(pieces(text_filter, chunked(SAID, rng, most)))
        assert SAID.startswith("".join(out))
        assert len("".join(out)) <= finding.start


def test_what_is_only_flagged_is_counted_once_with_its_place() -> None:
    for most in (1, 3, 50, 500):
        found = Found()
        text_filter = hold(OnOutput.FLAG, found=found)
        assert passed(text_filter, chunked(SAID, random.Random(1), most)) == SAID
        counts = {one.check: one.count for one in found.fired}
        assert counts == {
            "patterns.number.x": 1,
            "leaks.canary": 1,
            "leaks.prompt.system_prompt": 1,
            "links.image": 1,
            "links.link": 1,
            "words.x": 1,
        }
        ((start, end),) = next(one.spans for one in found.fired if one.check == "leaks.canary")
        assert SAID[start:end] == "CANARY 7F3A 91BC"
        assert found.ended == 1


def test_a_stream_that_goes_out_as_it_comes_is_only_written_down() -> None:
    found = Found()
    text_filter = hold(OnOutput.BLOCK, found=found, pass_on=True)
    assert [text_filter.feed(one) for one in SAID] == list(SAID)
    assert text_filter.end() == ""
    assert {one.action for one in found.fired} == {"block:not_enforced"}


def test_text_that_nothing_hides_in_is_not_held_longer_than_the_window() -> None:
    text_filter = hold(OnOutput.BLOCK)
    plain = "The quick brown fox jumps over the lazy dog, again and again. " * 40
    out = 0
    for index, char in enumerate(plain):
        out += len(text_filter.feed(char))
        assert index + 1 - out <= WINDOW + WINDOW // 8 + 16
    assert out + len(text_filter.end()) == len(plain)


def test_something_endless_is_acted_on_before_its_end() -> None:
    text_filter = HoldBack(
        [Watch("links", LinkFinder([]), OnOutput.REDACT)],
        Found(),
        where="content/0",
        window=WINDOW,
        now_ms=lambda: 0.0,
    )
    text = "see http://evil.example/" + "a" * (HELD_MAX * 2)
    out = "".join(text_filter.feed(text[at : at + 50]) for at in range(0, len(text), 50))
    assert out.startswith("see " + MARK)
    assert "evil" not in out + text_filter.end()

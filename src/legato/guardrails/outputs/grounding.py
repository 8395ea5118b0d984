"""Whether the sentences of an answer stand in a context: by words, numbers and names.

A sentence's support is the share of its content words that the best stretch of the context has,
by their beginnings, each weighed by how rare it is in the context; a number or a name that the
context hasn't halves it each. Lexical: it sees a figure that was made up and a name that was
exchanged, but neither a paraphrase without common words nor a `not` that turns the sense around.
Where nearness in meaning is known, it stands beside the share of words, the greater of both.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

SENTENCES_MAX: Final = 200
CONTEXT_MAX: Final = 200_000
"""Characters of context that are looked at."""
_STEM: Final = 5
_STRETCH: Final = 3
"""Sentences of the context that are taken together."""
_WORDS_MIN: Final = 3
"""Content words of a sentence that claims anything."""
_PENALTY: Final = 0.5
_END: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9À-ÞА-Я])|\n+|(?<=[。！？])")  # noqa: RUF001
_WORD: Final = re.compile(r"[^\W\d_]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_NAME: Final = re.compile(r"(?<![.!?:\n] )(?<!^)\b[A-ZÀ-Þ][\w’'-]+")  # noqa: RUF001
_PLAIN: Final = (
    "the and for are was were with that this from have has had not but you your they their its "
    "his her she him our will would can could should may might than then there here which who "
    "what when where how all any more most some such only also into over under about after before "
    "der die das und ist nicht ein eine mit für auf den dem des les est une que pour dans "
    "los las con para por una del della che"
)
_PLAIN_WORDS: Final = frozenset(_PLAIN.split(" "))
TOLD_MAX: Final = 256
"""Sentences of the context that others are held against by meaning."""


class Sentence(NamedTuple):
    """A sentence of an answer by its place, and how far the context supports it, 0 to 1."""

    start: int
    end: int
    support: float


class _Stretch(NamedTuple):
    stems: frozenset[str]
    numbers: frozenset[str]
    words: frozenset[str]


class Context:
    """What answers are held against."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Texts are separate: no stretch reaches from one into the next."""
        left = CONTEXT_MAX
        self._stretches: list[_Stretch] = []
        self.texts = tuple(texts)
        self.sentences: list[str] = []
        """Its own, in their order."""
        for text in texts:
            part = text[:left]
            left -= len(part)
            spans = [part[start:end] for start, end in sentences(part)]
            self.sentences += spans
            for index in range(max(1, len(spans) - _STRETCH + 1) if spans else 0):
                together = " ".join(spans[index : index + _STRETCH])
                self._stretches.append(_read(together))
        counted = Counter(stem for one in self._stretches for stem in one.stems)
        total = len(self._stretches)
        self._weight = {stem: math.log1p(total / seen) for stem, seen in counted.items()}
        self._unseen = math.log1p(max(1, total))
        self._words = frozenset(word for one in self._stretches for word in one.words)
        self._numbers = frozenset(number for one in self._stretches for number in one.numbers)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._stretches)

    def support(self, sentence: str, nearness: float = 0.0) -> float | None:
        """Return how far a sentence is supported; None where it claims nothing.

        `nearness` is that of the sentence of the context that is nearest in meaning, 0 to 1.
        """
        said = _read(sentence)
        if len(said.stems) < _WORDS_MIN and not said.numbers:
            return None
        weights = {stem: self._weight.get(stem, self._unseen) for stem in said.stems}
        total = sum(weights.values())
        best = nearness
        for one in self._stretches:
            shared = sum(weights[stem] for stem in said.stems & one.stems)
            support = shared / total if total else 1.0
            support *= _PENALTY ** len(said.numbers - one.numbers)
            best = max(best, support)
        names = {match[0].lower() for match in _NAME.finditer(sentence)}
        unknown = len(names - self._words) + len(said.numbers - self._numbers)
        return best * _PENALTY**unknown

    def told_near(self, said: Sequence[str]) -> list[str]:
        """Return the sentences that may say the same: of many, those that share most words."""
        if len(self.sentences) <= TOLD_MAX:
            return self.sentences
        stems = frozenset(stem for one in said for stem in _read(one).stems)
        ranked = sorted(self.sentences, key=lambda one: -len(_read(one).stems & stems))
        return ranked[:TOLD_MAX]

    def held_against(self, answer: str, *, every: bool = False) -> list[Sentence]:
        """Return the sentences that claim something, with their support.

        With `every` all of them: what claims nothing as far as words tell has a support of 1.
        """
        found = []
        for start, end in sentences(answer)[:SENTENCES_MAX]:
            support = self.support(answer[start:end])
            if support is not None or every:
                found.append(Sentence(start, end, 1.0 if support is None else support))
        return found


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where sentences and lines begin and end, blank ones left out."""
    spans: list[tuple[int, int]] = []
    at = 0
    for match in _END.finditer(text):
        spans.append((at, match.start()))
        at = match.end()
    spans.append((at, len(text)))
    return [(start, end) for start, end in spans if text[start:end].strip()]


def _read(text: str) -> _Stretch:
    words = frozenset(word.lower() for word in _WORD.findall(text))
    stems = frozenset(word[:_STEM] for word in words if len(word) > 2 and word not in _PLAIN_WORDS)  # noqa: PLR2004
    numbers = frozenset(_plain_number(match[0]) for match in _NUMBER.finditer(text))
    return _Stretch(stems, numbers, words)


def _plain_number(number: str) -> str:
    """Return a number without separators of thousands and needless zeros."""
    whole, separator, rest = number.rpartition(".") if "." in number else (number, "", "")
    if separator and (len(rest) != 3 or "," in whole):  # noqa: PLR2004 - a decimal point
        return f"{whole.replace(',', '')}.{rest}".rstrip("0").rstrip(".")
    digits = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", number)
    return digits.replace(",", ".")

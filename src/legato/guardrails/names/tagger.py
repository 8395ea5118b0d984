"""Labels the tokens of a text by a linear-chain model, in pure Python.

The features of one token are added up as one integer whose 16-bit lanes are the tags: a weight
is stored with a bias of 128 a lane, which all tags share, so only differences mean something.
The best tag sequence is Viterbi's (Viterbi 1967; Lafferty, McCallum and Pereira 2001).
"""

from collections.abc import Mapping, Sequence
from operator import add
from struct import Struct

import msgspec

from legato.guardrails.names.features import (
    BEYOND,
    OFFSETS,
    Lexicon,
    Traits,
    beside,
    case_of,
    glue_of,
    joined,
    own,
    phrases_of,
    traits_of,
)
from legato.guardrails.names.tokens import Token

LANE_BITS = 16
FORBIDDEN = -9000
"""A transition this low never happens."""

SURE = 9.0
"""A token whose own features prefer `O` by such log-odds is `O`, whatever its neighbours say."""

COMMONEST = "w"
"""The flag of the commonest English words, whose weights needn't be added up again."""
REMEMBERED_MAX = 4096


class Model(msgspec.Struct, frozen=True):
    """Trained weights. Scores are in `step`s of the logarithm of odds."""

    tags: tuple[str, ...]
    """`O` first, then `B-` and `I-` of each label."""
    transitions: tuple[tuple[int, ...], ...]
    """From the tag of the row to the tag of the column."""
    weights: Mapping[str, int]
    """Each feature's weights, packed by `pack`."""
    lexicon: Lexicon
    step: float


class Tagged(msgspec.Struct, frozen=True):
    """The best tags of a stretch of tokens."""

    tags: list[int]
    margins: list[int]
    """By how many steps a token's features prefer its tag to `O`, or `O` to the best other."""


def pack(weights: bytes) -> int:
    """Return signed bytes, one a tag, as one integer with a biased lane for each."""
    return sum((byte ^ 0x80) << LANE_BITS * at for at, byte in enumerate(weights))


class _Word(msgspec.Struct, frozen=True, gc=False):
    traits: Traits
    own: int
    beside: tuple[int, ...]


class Tagger:
    """Finds the best tags. Of the texts it has seen it holds but the commonest words."""

    def __init__(self, model: Model) -> None:
        """Tag by trained weights."""
        self._model = model
        self._lanes = Struct(f"<{len(model.tags)}H")
        self._common: dict[str, _Word] = {}
        self._before = [
            [(last, row[at]) for last, row in enumerate(model.transitions) if row[at] > FORBIDDEN]
            for at in range(len(model.tags))
        ]
        self._sure = round(SURE * model.step)
        self._beyond = tuple(self._sum(beside(BEYOND, offset)[:1]) for offset in OFFSETS)

    def tag(self, tokens: Sequence[Token], leaning: Sequence[int]) -> Tagged:
        """Return the best tags. `leaning`, in steps, is added to each tag's score."""
        emissions = self._emissions(tokens)
        return Tagged(*self._best(emissions, leaning)) if emissions else Tagged([], [])

    def _sum(self, features: Sequence[str]) -> int:
        # no packed weight is 0, so None, a feature without weight, is all that is filtered out
        return sum(filter(None, map(self._model.weights.get, features)))

    def _emissions(self, tokens: Sequence[Token]) -> list[tuple[int, ...]]:
        words: dict[str, _Word] = {}
        row: list[_Word] = []
        for token in tokens:
            word = words.get(token.text)
            if word is None:
                word = words[token.text] = self._common.get(token.text) or self._word(token.text)
            row.append(word)
        seen = [word.traits for word in row]
        phrases = phrases_of(seen, self._model.lexicon)
        case = case_of(tokens)
        unpack, count = self._lanes.unpack, len(row)
        size = self._lanes.size
        found: list[tuple[int, ...]] = []
        for at, word in enumerate(row):
            total = word.own + self._sum(joined(seen, at, glue_of(tokens, at, case), phrases))
            for nth, offset in enumerate(OFFSETS):
                other = at + offset
                total += row[other].beside[nth] if 0 <= other < count else self._beyond[nth]
            found.append(unpack(total.to_bytes(size, "little")))
        return found

    def _word(self, text: str) -> _Word:
        traits = traits_of(text, self._model.lexicon)
        sides = tuple([self._sum(beside(traits, offset)) for offset in OFFSETS])
        word = _Word(traits, self._sum(own(traits)), sides)
        if COMMONEST in traits.flags and len(self._common) < REMEMBERED_MAX:
            self._common[text] = word
        return word

    def _best(
        self, emissions: Sequence[tuple[int, ...]], leaning: Sequence[int]
    ) -> tuple[list[int], list[int]]:
        count = len(leaning)
        scores = [
            emissions[0][at] + leaning[at] if self._may_begin(at) else FORBIDDEN
            for at in range(count)
        ]
        from_outside = list(map(add, self._model.transitions[0], leaning))
        outside_only, only_outside = False, [0] * count
        back: list[list[int]] = []
        for emission in emissions[1:]:
            sure = emission[0] - max(emission[1:]) > self._sure
            if outside_only:
                pointers = only_outside
                best = scores[0]
                following = [best + cost for cost in map(add, from_outside, emission)]
            else:
                pointers, following = [], []
                for at, before in enumerate(self._before[:1] if sure else self._before):
                    best, pointer = max([(scores[last] + cost, last) for last, cost in before])
                    following.append(best + emission[at] + leaning[at])
                    pointers.append(pointer)
            back.append(pointers)
            scores, outside_only = following[:1] if sure else following, sure
        count = len(scores)
        tag = max(range(count), key=scores.__getitem__)
        tags = [tag]
        for pointers in reversed(back):
            tag = pointers[tag]
            tags.append(tag)
        tags.reverse()
        margins = [
            emission[tag] - emission[0] if tag else emission[0] - max(emission[1:])
            for tag, emission in zip(tags, emissions, strict=True)
        ]
        return tags, margins

    def _may_begin(self, tag: int) -> bool:
        return not self._model.tags[tag].startswith("I-")

"""Plausible English made from a seed: the same seed gives the same words, one token each."""

import hashlib

_DETERMINERS = ("the", "a", "each", "this", "that", "every", "our", "one")
_ADJECTIVES = (
    "quiet",
    "steady",
    "careful",
    "early",
    "open",
    "plain",
    "bright",
    "narrow",
    "patient",
    "modest",
    "recent",
    "simple",
    "useful",
    "warm",
    "honest",
    "gentle",
    "small",
    "large",
    "clear",
    "local",
    "naïve",
    "brief",
    "firm",
    "level",
    "ready",
    "sound",
    "wide",
    "fresh",
    "kind",
    "solid",
    "calm",
    "exact",
)
_NOUNS = (
    "river",
    "garden",
    "letter",
    "harbour",
    "ledger",
    "signal",
    "window",
    "teacher",
    "market",
    "engine",
    "forest",
    "answer",
    "number",
    "café",
    "bridge",
    "record",
    "valley",
    "morning",
    "lantern",
    "traveller",
    "method",
    "report",
    "station",
    "question",
    "season",
    "compass",
    "kitchen",
    "journal",
    "village",
    "façade",
    "pattern",
    "workshop",
)
_VERBS = (
    "follows",
    "carries",
    "opens",
    "measures",
    "answers",
    "reaches",
    "describes",
    "joins",
    "keeps",
    "finds",
    "supports",
    "crosses",
    "explains",
    "gathers",
    "holds",
    "improves",
    "marks",
    "needs",
    "offers",
    "prepares",
    "records",
    "repeats",
    "shows",
    "studies",
    "teaches",
    "turns",
    "visits",
    "watches",
    "welcomes",
    "writes",
    "balances",
    "guides",
)
_ADVERBS = (
    "slowly",
    "often",
    "today",
    "again",
    "clearly",
    "together",
    "usually",
    "here",
)
_PREPOSITIONS = ("beside", "under", "after", "before", "near", "behind", "with", "beyond")

_PATTERNS = (
    (_DETERMINERS, _ADJECTIVES, _NOUNS, _VERBS, _DETERMINERS, _NOUNS),
    (_DETERMINERS, _NOUNS, _VERBS, _DETERMINERS, _ADJECTIVES, _NOUNS, _ADVERBS),
    (_PREPOSITIONS, _DETERMINERS, _NOUNS, _DETERMINERS, _NOUNS, _ADVERBS, _VERBS, ("it",)),
    (_DETERMINERS, _NOUNS, _PREPOSITIONS, _DETERMINERS, _NOUNS, _VERBS, _DETERMINERS, _NOUNS),
)

_SENTENCE_COUNT = 1_024  # a power of two, so a 16-bit draw is uniform
_DRAW_BYTES = 2


def _sentence(number: int) -> tuple[str, ...]:
    """One of the sentences all texts are made of, each word with a space before it."""
    draws = hashlib.shake_128(b"sentence %d" % number).digest(16)
    pattern = _PATTERNS[number % len(_PATTERNS)]
    chosen = [slot[draw % len(slot)] for slot, draw in zip(pattern, draws, strict=False)]
    chosen[0] = chosen[0].capitalize()
    chosen[-1] += "."
    return tuple(" " + word for word in chosen)


# Made once: a load target can't afford to choose word by word.
_SENTENCES = tuple(_sentence(number) for number in range(_SENTENCE_COUNT))
_SENTENCE_WORDS_MIN = min(len(sentence) for sentence in _SENTENCES)


def words(seed: bytes, count: int) -> list[str]:
    """`count` tokens whose concatenation is a text of sentences; the last ends with a full stop.

    Each token but the first begins with a space.
    """
    if count <= 0:
        return []
    sentence_count = -(-count // _SENTENCE_WORDS_MIN)
    stream = hashlib.shake_128(seed).digest(_DRAW_BYTES * sentence_count)
    tokens: list[str] = []
    for at in range(0, len(stream), _DRAW_BYTES):
        tokens += _SENTENCES[(stream[at] << 8 | stream[at + 1]) % _SENTENCE_COUNT]
        if len(tokens) >= count:
            break
    del tokens[count:]
    tokens[0] = tokens[0][1:]
    if not tokens[-1].endswith("."):
        tokens[-1] += "."
    return tokens

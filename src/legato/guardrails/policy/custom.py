"""A policy's own patterns and dictionaries: in time that grows with the text alone."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Finding
from legato.guardrails.escapes import views
from legato.guardrails.normalize import normalized
from legato.guardrails.policy.labels import CUSTOM

DETECTOR: Final = "policy"
"""What findings name as their detector."""
PATTERN_CHARACTERS_MAX: Final = 2_000
WORDS_MAX: Final = 50_000
FOUND_MAX: Final = 10_000
"""In one text, of one pattern; behind it the rest counts as found, too."""
_PROGRAM_BYTES_MAX: Final = 8 * 1024 * 1024
_WORD: Final = re.compile(r"\w+")
_GAP: Final = re.compile(r"\s{1,64}")
Entry = tuple[str, ...]
"""The words of one, in small letters."""


class Match(Protocol):
    """Where an expression fits."""

    def start(self) -> int:
        """Return where it begins, in characters."""
        ...

    def end(self) -> int:
        """Return the first character behind it."""
        ...


class Expression(Protocol):
    """A compiled expression of RE2."""

    def finditer(self, text: str) -> Iterator[Match]:
        """Yield where it fits."""
        ...

    def search(self, text: str) -> Match | None:
        """Return the first place where it fits."""
        ...


class Custom(msgspec.Struct, frozen=True, eq=False):
    """Patterns and dictionaries of one rule, compiled."""

    patterns: tuple[tuple[str, Expression], ...]
    dictionaries: tuple[tuple[str, Mapping[str, tuple[Entry, ...]]], ...]
    """By label: the entries by their first words, the longest first; all in lower case."""

    def find(self, text: str) -> list[Finding]:
        """Return what is found in a text, also where it is disguised; finds may overlap."""
        plain, *decoded = views(text)
        found = [
            Finding(label, *view.original(*span), detector=DETECTOR)
            for view in (plain, *decoded)
            for label, span in self._within(view.text)
        ]
        if plain.text != text:  # what a policy itself writes in strange characters
            ends = {(one.label, one.start): one.end for one in found}
            found += [
                Finding(label, start, end, detector=DETECTOR)
                for label, (start, end) in self._within(text)
                if ends.get((label, start), 0) < end
            ]
        return list(dict.fromkeys(found)) if decoded else found

    def _within(self, text: str) -> Iterator[tuple[str, tuple[int, int]]]:
        for label, one in self.patterns:
            yield from ((label, span) for span in _spans(one, text))
        small = _small(text) if self.dictionaries else ""
        for label, entries in self.dictionaries:
            yield from ((label, span) for span in _listed(entries, small))


def custom_of(patterns: Mapping[str, str], words: Mapping[str, Sequence[str]]) -> Custom | None:
    """Compile them; None where there are none.

    Raises:
        ConfigInvalid: with the name, what is wrong, and the remedy.
    """
    if not (patterns or words):
        return None
    return Custom(
        tuple((CUSTOM + name, compiled(name, one)) for name, one in patterns.items()),
        tuple((CUSTOM + name, _by_first_word(name, one)) for name, one in words.items()),
    )


def compiled(name: str, pattern: str) -> Expression:
    """Compile one pattern. Raises ConfigInvalid."""
    if not pattern or len(pattern) > PATTERN_CHARACTERS_MAX:
        msg = f"patterns.{name}: has 1 to {PATTERN_CHARACTERS_MAX} characters"
        raise ConfigInvalid(msg)
    import re2  # noqa: PLC0415 - where a policy has patterns of its own only

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PROGRAM_BYTES_MAX
    try:
        expression: Expression = re2.compile(pattern, options=options)
    except re2.error as error:
        told = error.args[0] if error.args else ""
        shown = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        msg = f"patterns.{name}: is no regular expression of RE2: {shown[:200]}"
        raise ConfigInvalid(msg) from None
    if expression.search("") is not None:
        msg = f"patterns.{name}: it fits an empty text; let it ask for at least one character"
        raise ConfigInvalid(msg)
    return expression


def _spans(expression: Expression, text: str) -> Iterator[tuple[int, int]]:
    for count, match in enumerate(expression.finditer(text)):
        if count == FOUND_MAX:
            yield match.start(), len(text)
            return
        if match.end() > match.start():
            yield match.start(), match.end()


def _by_first_word(name: str, words: Iterable[str]) -> dict[str, tuple[Entry, ...]]:
    entries: dict[str, set[Entry]] = {}
    for count, entry in enumerate(words):
        if count == WORDS_MAX:
            msg = f"words.{name}: has more than {WORDS_MAX} entries; use several"
            raise ConfigInvalid(msg)
        for written in {entry, normalized(entry).text}:
            parts = tuple(_small(written).split())
            first = _WORD.match(parts[0]) if parts else None
            if first is None:
                msg = f"words.{name}: an entry must begin with a letter or a digit"
                raise ConfigInvalid(msg)
            entries.setdefault(first[0], set()).add(parts)
    return {
        first: tuple(sorted(some, key=lambda parts: (-sum(map(len, parts)), parts)))
        for first, some in entries.items()
    }


def _listed(entries: Mapping[str, tuple[Entry, ...]], small: str) -> Iterator[tuple[int, int]]:
    """Yield where entries stand as whole words; `small` is the text in small letters."""
    behind = 0
    for word in _WORD.finditer(small):
        start = word.start()
        if start < behind:
            continue
        for entry in entries.get(word[0], ()):
            end = _end_of(entry, small, start)
            if end and not _goes_on(small, end):
                yield start, end
                behind = end
                break


def _end_of(entry: Entry, small: str, start: int) -> int:
    """Return where an entry that begins at a place ends, whatever space parts its words; or 0."""
    end = start
    for index, part in enumerate(entry):
        if index:
            gap = _GAP.match(small, end)
            if gap is None:
                return 0
            end = gap.end()
        if not small.startswith(part, end):
            return 0
        end += len(part)
    return end


def _small(text: str) -> str:
    """Return a text in small letters, each at its place: one capital alone would become two."""
    return text.replace("\u0130", "i").lower()


def _goes_on(text: str, end: int) -> bool:
    """Whether a word goes on at a place."""
    return _WORD.match(text, end - 1, end) is not None and _WORD.match(text, end) is not None

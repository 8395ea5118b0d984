"""How well spans of personal data are found in texts whose spans are known.

A span is found where a prediction of its label shares at least half of the characters of both
together (intersection over union, Jaccard 1912); each prediction counts for one span, the best
pairs first. F2 weighs recall twice as much as precision (van Rijsbergen 1979): what is missed
leaks. A prediction that covers most of a span of a label that isn't scored is no false alarm.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter_ns
from typing import Any, Final, NamedTuple

import msgspec

from legato.core.errors import InvalidRequest

CORE_LABELS: Final = (
    "PERSON",
    "LOCATION",
    "PHONE_NUMBER",
    "EMAIL_ADDRESS",
    "CREDIT_CARD",
    "IBAN_CODE",
    "US_SSN",
    "IP_ADDRESS",
    "ID_NUMBER",
    "SECRET",
)
_SHARED_MIN: Final = 0.5
_COVERED_MIN: Final = 0.95
_TIMED_CHARACTERS: Final = 2048
_TIMED_TEXTS: Final = 60
_WARMING: Final = 5

Span = tuple[int, int, str]
"""Where it begins, the first character behind it, its label."""
Find = Callable[[str], Iterable[Span]]
"""Returns what is in a text."""


class Marked(msgspec.Struct, frozen=True):
    """A text and its spans; other columns of a row are passed over."""

    text: str
    spans: list[Span] = []


class _Counts(NamedTuple):
    """By label: found, falsely found, missed."""

    hits: Counter[str]
    false: Counter[str]
    missed: Counter[str]


def read_marked(path: Path) -> list[Marked]:
    """Read lines of JSON: `text` and `spans`, each of start, end and label.

    Raises:
        InvalidRequest: naming the line that is wrong.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} can't be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=Marked)
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"{path}, line {number}: {error}") from None
        if any(not 0 <= start < end <= len(row.text) for start, end, _ in row.spans):
            raise InvalidRequest(f"{path}, line {number}: a span lies outside its text")
        rows.append(row)
    if not rows:
        raise InvalidRequest(f"{path} holds no texts")
    return rows


def report(
    find: Find,
    rows: Sequence[Marked],
    labels: Sequence[str] = CORE_LABELS,
) -> dict[str, Any]:
    """Return the scores of a detector, by label and of all labels together, and its time.

    `leak` is the share of characters of spans that no prediction covers, `clean_docs` the share
    of texts with spans in which each is covered by 95 %, `neg_fp` the share of texts without any
    span in which something is found.
    """
    counts = _Counts(Counter(), Counter(), Counter())
    leaked = known = texts = clean = bare = alarmed = 0
    for row in rows:
        found = [one for one in find(row.text) if one[2] in labels]
        wanted = [span for span in row.spans if span[2] in labels]
        others = [span for span in row.spans if span[2] not in labels]
        _count(counts, wanted, found, others)
        covered = [_covered(span, found) for span in wanted]
        sizes = [end - start for start, end, _ in wanted]
        known += sum(sizes)
        leaked += sum(sizes) - sum(covered)
        if wanted:
            texts += 1
            clean += all(
                part >= _COVERED_MIN * size for part, size in zip(covered, sizes, strict=True)
            )
        if not row.spans:
            bare += 1
            alarmed += bool(found)
    told = {label: _scores(counts, [label]) for label in labels}
    return {
        "all": {name: value for name, value in _scores(counts, labels).items() if name != "n"},
        "labels": {label: one for label, one in told.items() if one["n"] or counts.false[label]},
        "leak": round(leaked / max(known, 1), 4),
        "clean_docs": round(clean / max(texts, 1), 4),
        "neg_fp": round(alarmed / max(bare, 1), 4),
        "ms_per_2kb_p50": round(_milliseconds(find, rows), 3),
    }


def _count(
    counts: _Counts, wanted: Sequence[Span], found: Sequence[Span], others: Sequence[Span]
) -> None:
    pairs = sorted(
        (
            (shared, place, at)
            for place, span in enumerate(wanted)
            for at, one in enumerate(found)
            if span[2] == one[2] and (shared := _shared(span, one)) >= _SHARED_MIN
        ),
        reverse=True,
    )
    met: set[int] = set()
    used: set[int] = set()
    for _, place, at in pairs:
        if place not in met and at not in used:
            met.add(place)
            used.add(at)
            counts.hits[wanted[place][2]] += 1
    for place, span in enumerate(wanted):
        counts.missed[span[2]] += place not in met
    for at, one in enumerate(found):
        if at not in used and not _excused(one, others):
            counts.false[one[2]] += 1


def _excused(one: Span, others: Sequence[Span]) -> bool:
    """Whether it covers most of a span whose label isn't scored."""
    return any(_overlap(one, span) > 0.5 * (span[1] - span[0]) for span in others)


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def _shared(one: Span, other: Span) -> float:
    return _overlap(one, other) / (max(one[1], other[1]) - min(one[0], other[0]))


def _covered(span: Span, found: Sequence[Span]) -> int:
    start, end, _ = span
    marks = bytearray(end - start)
    for one in found:
        low, high = max(one[0], start) - start, min(one[1], end) - start
        if low < high:
            marks[low:high] = b"\1" * (high - low)
    return sum(marks)


def _scores(counts: _Counts, labels: Sequence[str]) -> dict[str, Any]:
    hits, false, missed = (sum(part[label] for label in labels) for part in counts)
    precision = hits / (hits + false) if hits + false else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    weighed = 4 * precision + recall
    return {
        "n": hits + missed,
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f2": round(5 * precision * recall / weighed if weighed else 0.0, 4),
    }


def _milliseconds(find: Find, rows: Sequence[Marked]) -> float:
    """Return the median time for a text of 2 KB, made of the rows."""
    texts = []
    kept = ""
    for row in rows:
        kept += row.text + "\n"
        if len(kept) >= _TIMED_CHARACTERS:
            texts.append(kept[:_TIMED_CHARACTERS])
            kept = ""
    texts = texts or [kept]
    Random(3).shuffle(texts)  # noqa: S311 - to be repeatable
    for text in texts[:_WARMING]:
        find(text)
    took = []
    for text in texts[:_TIMED_TEXTS]:
        began = perf_counter_ns()
        find(text)
        took.append(perf_counter_ns() - began)
    return median(took) / 1_000_000

"""What `legato eval injection` does."""

import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
import msgspec

from legato.cli.options import print_json
from legato.core.guarding import Place
from legato.detectors.injection import load_injection
from legato.guardrails.injection.detector import InjectionDetector

_NOISY: Final = "_noisy"
_PAGE: Final = 2048
_TEXTS_A_PAGE: Final = 40
_PAGES: Final = 30
_DIGITS: Final = 4


class _Row(msgspec.Struct, frozen=True):
    """A labelled text; other columns are passed over."""

    text: str
    label: int
    source: str = ""
    kind: str = ""
    place: Place | None = None

    def whose(self) -> Place:
        """Return where such a text stands in a request."""
        if self.place is not None:
            return self.place
        return Place.DOCUMENT if self.kind.startswith("indirect") else Place.INPUT


class _Scored(msgspec.Struct, frozen=True):
    row: _Row
    score: float
    flagged: bool


def injection(file: Path, *, as_json: bool) -> None:
    """Score, count, print."""
    rows = _rows(file)
    report = _report(load_injection(), rows)
    if as_json:
        print_json(report)
        return
    for name in ("auc", "threshold", "recall", "fpr", "ms_per_2kb_p50"):
        value = report[name]
        click.echo(f"{name:<16}{'-' if value is None else f'{value:.3f}'}")
    for name, words in (("recall_by_source", "flagged of"), ("fpr_by_source", "wrongly, of")):
        for source, share in report[name].items():
            click.echo(f"{words:<12} {source or '-':<24}{share:.3f}")


def _rows(file: Path) -> list[_Row]:
    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=_Row))
            except msgspec.DecodeError as error:
                raise click.ClickException(f"{file}, line {number}: {error}") from None
    if not found:
        raise click.ClickException(f"{file} has no texts")
    return found


def _report(detector: InjectionDetector, rows: Sequence[_Row]) -> dict[str, Any]:
    scored = []
    for row in rows:
        place = row.whose()
        score = detector.strongest(row.text, place).score
        scored.append(_Scored(row, score, score >= detector.threshold(place)))
    attacks = [one for one in scored if one.row.label]
    harmless = [one for one in scored if not one.row.label]
    clear = [one for one in attacks if not one.row.source.endswith(_NOISY)]
    return {
        "auc": _auc([one.score for one in attacks], [one.score for one in harmless]),
        "threshold": detector.threshold(Place.INPUT),
        "recall": _share(clear),
        "fpr": _share(harmless),
        "recall_by_source": _by_source(attacks),
        "fpr_by_source": _by_source(harmless),
        "ms_per_2kb_p50": _milliseconds(detector, rows),
    }


def _share(scored: Sequence[_Scored]) -> float | None:
    return round(sum(one.flagged for one in scored) / len(scored), _DIGITS) if scored else None


def _by_source(scored: Sequence[_Scored]) -> dict[str, float | None]:
    groups: dict[str, list[_Scored]] = defaultdict(list)
    for one in scored:
        groups[one.row.source].append(one)
    return {source: _share(groups[source]) for source in sorted(groups)}


def _auc(attacks: Sequence[float], harmless: Sequence[float]) -> float | None:
    """Return how often an attack scores above a harmless text; ties count half."""
    if not attacks or not harmless:
        return None
    ordered = sorted([(score, 1) for score in attacks] + [(score, 0) for score in harmless])
    below, won = 0, 0.0
    for _, tied in groupby(ordered, key=lambda one: one[0]):
        labels = [label for _, label in tied]
        above = sum(labels)
        level = len(labels) - above
        won += above * (below + level / 2)
        below += level
    return round(won / (len(attacks) * len(harmless)), _DIGITS)


def _milliseconds(detector: InjectionDetector, rows: Sequence[_Row]) -> float:
    """Return the median time of pages of 2048 characters, put together from the texts."""
    taken = []
    for start in range(0, min(len(rows), _TEXTS_A_PAGE * _PAGES), _TEXTS_A_PAGE):
        page = "\n".join(row.text for row in rows[start : start + _TEXTS_A_PAGE])[:_PAGE]
        begun = time.perf_counter()
        detector.find(page, Place.INPUT)
        taken.append((time.perf_counter() - begun) * 1000)
    return round(median(taken), _DIGITS)

"""What `legato eval cache` does."""

from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import click
import msgspec

from legato.app.config.data_dir import DataDir
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.embedding.base import KINDS, Embedder, EmbedderUnavailable
from legato.embedding.loading import load_embedder
from legato.evaluation.cache_replay import Outcome, Shares, Stream, shares
from legato.evaluation.intervals import mean_interval
from legato.evaluation.question_files import Known, read_questions
from legato.matching.bound import BoundSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TIMED = 200


def cache(
    *,
    file: Path,
    embedder: str | None,
    data: Path,
    shuffles: int | None,
    seed: int,
    as_json: bool,
    **bounds: Any,
) -> None:
    """Replay a file of questions and print what the semantic cache would have done."""
    settings = BoundSettings(**bounds)
    known = read_questions(file)
    model = _embedder(embedder, data)
    vectors = _vectors(model, known)
    stream = Stream(known, vectors, model.name)
    order = list(range(len(known)))
    outcome = stream.replay(settings, order, seed)
    report: dict[str, Any] = msgspec.to_builtins(outcome)
    report |= {
        "embedder": model.name,
        "wrong_share": _interval(outcome.wrong_hits, outcome.requests),
        "wrong_share_of_hits": _interval(outcome.wrong_hits, outcome.hits),
        "decision_us_p50": median(stream.decision_ns) / 1_000,
        "embedding_us_p50": _embedding_us(model, known),
    }
    if shuffles:
        report["shuffles"] = _shuffled(stream, settings, order, shuffles=shuffles, seed=seed)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _embedder(kind: str | None, data: Path) -> Embedder:
    models = DataDir(data).models
    if kind is not None:
        return load_embedder(kind, models)
    for best in reversed(KINDS[1:]):
        try:
            return load_embedder(best, models)
        except EmbedderUnavailable as missing:
            click.echo(f"without {best}: {missing}", err=True)
    return load_embedder(KINDS[0], models)


def _vectors(model: Embedder, known: list[Known]) -> "NDArray[np.float32]":
    return model.embed([one.text for one in known])


def _embedding_us(model: Embedder, known: list[Known]) -> float:
    took = []
    for one in known[:_TIMED]:
        began = perf_counter_ns()
        model.embed([one.text])
        took.append(perf_counter_ns() - began)
    return median(took) / 1_000


def _shuffled(
    stream: Stream, settings: BoundSettings, order: list[int], *, shuffles: int, seed: int
) -> dict[str, Any]:
    outcomes = []
    for number in range(1, shuffles + 1):
        Random(f"{seed}/{number}").shuffle(order)  # noqa: S311 - to be repeatable
        outcomes.append(stream.replay(settings, order, seed + number))
    counted = {
        "correct_share": shares(outcomes, lambda one: one.correct_hits / one.requests),
        "wrong_share": shares(outcomes, lambda one: one.wrong_hits / one.requests),
        "wrong_share_of_hits": shares(outcomes, lambda one: one.wrong_hits / max(one.hits, 1)),
        "checked_share_of_hits": shares(outcomes, lambda one: one.checked / max(one.hits, 1)),
    }
    return {"count": shuffles} | {
        name: msgspec.to_builtins(share) for name, share in counted.items()
    }


def _interval(part: int, whole: int) -> dict[str, float] | None:
    if not whole:
        return None
    found = mean_interval([1.0] * part + [0.0] * (whole - part))
    return {"mean": found.point, "low": found.low, "high": found.high}


def _print(report: dict[str, Any]) -> None:
    print_table(
        Outcome.__struct_fields__,
        [tuple(str(report[count]) for count in Outcome.__struct_fields__)],
        numbers=Outcome.__struct_fields__,
    )
    for name, words in (
        ("wrong_share", "wrong of all requests"),
        ("wrong_share_of_hits", "wrong of hits"),
    ):
        if report[name]:
            found = report[name]
            click.echo(
                f"{words}: {found['mean']:.2%} (95 %: {found['low']:.2%} to {found['high']:.2%})"
            )
    click.echo(
        f"{report['embedder']}: a decision takes {report['decision_us_p50']:.0f} µs, "
        f"embedding {report['embedding_us_p50']:.0f} µs (medians)"
    )
    for name, share in report.get("shuffles", {}).items():
        if name != "count":
            found = msgspec.convert(share, Shares)
            click.echo(
                f"{report['shuffles']['count']} shuffles, {name}: {found.mean:.2%} "
                f"(95 %: {found.low:.2%} to {found.high:.2%}; at most {found.greatest:.2%})"
            )

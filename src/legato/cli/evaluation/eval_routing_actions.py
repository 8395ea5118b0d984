"""What `legato eval routing` does."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from legato.app.config.data_dir import DataDir
from legato.cli.options import print_json
from legato.core.errors import InvalidRequest, LegatoError
from legato.embedding.base import Embedder
from legato.embedding.loading import load_embedder

_KEPT_OF_A_PAIR: Final = 0.95
_FIGURES: Final = (
    ("accuracy_strong", "Accuracy of the strong (best) model"),
    ("accuracy_weak", "Accuracy of the weak (cheapest) model"),
    ("accuracy", "Accuracy of the router"),
    ("share_strong", "Calls of the strong (best) model, share"),
    ("cost_share", "Cost, share of the strong (best) model's"),
    ("share_at_95", "Cost that keeps 95 % of its accuracy, share"),
    ("apgr", "Average gap recovered"),
    ("decision_us_p50", "A decision, us (median)"),
)


class _Asked(NamedTuple):
    """`kept` is None where nobody said it."""

    files: tuple[Path, Path]
    names: tuple[str, ...]
    pair: bool
    domain: str
    kept: float | None


def routing(*, as_json: bool, **options: Any) -> None:
    """Train, try, print."""
    try:
        asked = _Asked(
            files=(options["train_file"], options["file"]),
            names=_names(options["strong"], options["weak"], options["models"]),
            pair=options["models"] is None,
            domain=options["domain"],
            kept=options["keep"],
        )
        made = load_embedder(options["embedder"], DataDir(options["data"]).models)
        report = _report(asked, made)
    except LegatoError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        print_json(report)
        return
    for name, words in _FIGURES:
        value = report[name]
        low, high = report["intervals"].get(name, (None, None))
        told = "" if low is None else f"   ({low:.3f} to {high:.3f})"
        click.echo(f"{words:<46}{'-' if value is None else f'{value:.3f}'}{told}")


def _names(strong: str | None, weak: str | None, models: str | None) -> tuple[str, ...]:
    if models is not None and strong is None and weak is None:
        names = tuple(name.strip() for name in models.split(",") if name.strip())
        if len(names) > 1 and len(set(names)) == len(names):
            return names
        raise InvalidRequest("--models: name two or more models, each once")
    if models is None and strong and weak and strong != weak:
        return (strong, weak)
    raise InvalidRequest("name --strong and --weak, two different models, or --models A,B,...")


def _report(asked: _Asked, embedder: Embedder) -> dict[str, Any]:
    from legato.evaluation.routing import report, tables  # noqa: PLC0415 - numpy is an extra

    found = []
    for path in asked.files:
        table = tables.read_table(path, asked.names)
        if asked.domain:
            table = table.within(asked.domain)
        if not table.prompts:
            raise InvalidRequest(f"{path}: no row is of the domain {asked.domain!r}")
        found.append(table)
    trained_on, table = found
    if asked.pair:
        kept = _KEPT_OF_A_PAIR if asked.kept is None else asked.kept
        return report.pair_report(trained_on, table, embedder, kept)
    return report.choice_report(
        trained_on, table, embedder, 1.0 if asked.kept is None else asked.kept
    )

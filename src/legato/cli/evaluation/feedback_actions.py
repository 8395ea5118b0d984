"""What `legato feedback` does."""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.models.vaults import open_data_keys
from legato.cli.options import print_json
from legato.cli.spans import Moment, time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.insights.feedback import texts_of
from legato.storage.evaluation.feedback_reading import FeedbackFilter, FeedbackSum, Row
from legato.vault.envelope import Envelopes

_COLUMNS: Final = (
    "time", "request", "feature", "deployment", "versions", "thumbs", "score", "outcome", "texts",
)  # fmt: skip
_SUM_NUMBERS: Final = (
    "feedback", "requests", "thumbs", "up %", "scores", "mean", "outcomes", "accepted %",
)  # fmt: skip


def feedback_filter(
    *, since: Moment | None, until: Moment | None, **narrowed: str | None
) -> FeedbackFilter:
    """Turn the options into a filter; spans count back from now."""
    now_ns = SystemClock().now_ns()
    return FeedbackFilter(
        since_ns=since.before(now_ns) if since else None,
        until_ns=until.before(now_ns) if until else None,
        **narrowed,
    )


def list_feedback(
    data: Path, config_file: Path | None, wanted: FeedbackFilter, *, count: int, as_json: bool
) -> None:
    """Print the newest, newest first."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        stored.reads("", "feedback.read")
        rows = stored.feedback().page(count, None, wanted)
        if as_json:
            _print_lines(instance, stored, rows)
            return
    print_table(_COLUMNS, [_line(row) for row in rows], numbers=("score",))


def sum_feedback(
    data: Path, config_file: Path | None, wanted: FeedbackFilter, *, by: str, as_json: bool
) -> None:
    """Print one row for each combination of the dimensions."""
    names = [] if by == "total" else [name.strip() for name in by.split(",") if name.strip()]
    with stored_data(find_instance(data, config_file)) as stored:
        groups = stored.feedback().sum_by(names, wanted)
    if as_json:
        shown = [dict(zip(names, one.group, strict=True)) | _measures(one) for one in groups]
        print_json({"by": names, "groups": shown})
        return
    lines = [[*(one.group or ("total",)), *_sum_line(one)] for one in groups]
    print_table([*(names or [""]), *_SUM_NUMBERS], lines, numbers=_SUM_NUMBERS)


def _print_lines(instance: Instance, stored: StoredData, rows: list[Row]) -> None:
    keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
    envelopes = Envelopes(keys)
    for row in rows:
        texts = msgspec.structs.asdict(texts_of(row, envelopes))
        click.echo(msgspec.json.encode({**row, **texts}))


def _line(row: Row) -> list[str]:
    texts = [name for name in ("correction", "comment") if row[name] is not None]
    return [
        time_text(row["changed_at_ns"]),
        row["request_id"],
        row["feature"] or "",
        row["deployment"] or "(not in the ledger)",
        row["versions"] or "",
        row["thumbs"] or "",
        "" if row["score"] is None else f"{row['score']:g}",
        row["outcome"] or "",
        ", ".join(texts),
    ]


def _sum_line(one: FeedbackSum) -> list[str]:
    return [
        str(one.count),
        str(one.requests),
        str(one.thumbs_up + one.thumbs_down),
        _percent(one.thumbs_up_share),
        str(one.scores),
        "" if one.score_mean is None else f"{one.score_mean:.3f}",
        str(one.outcomes),
        _percent(one.accepted_share),
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.1f}"


def _measures(one: FeedbackSum) -> dict[str, Any]:
    measures: dict[str, Any] = msgspec.structs.asdict(one)
    del measures["group"]
    shares = {"thumbs_up_share": one.thumbs_up_share, "accepted_share": one.accepted_share}
    return measures | shares

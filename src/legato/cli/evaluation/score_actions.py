"""What `legato scores` does."""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.config import Config
from legato.core.tenant import Tenant
from legato.insights.drift import Drift
from legato.storage.evaluation.live_scores import Alarm

_SUMS: Final = ("policy", "scorer", "versions", "scored", "unscored", "mean")
_ALARMS: Final = ("id", "time", "policy", "scorer", "versions", "from", "to", "acknowledged")


def summary(*, config_file: Path | None, data: Path, org: str, as_json: bool) -> None:
    """Print the sums."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        found = stored.live_score_reader(org).sums()
        captured = stored.captures(Tenant(org)).count()[0] if not found else 0
    if not found:
        click.echo(_why_none(instance.loaded.config, org, captured), err=True)
    if as_json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return
    rows = [
        [one.policy, one.scorer, one.versions, str(one.scored), str(one.unscored),
         "" if one.mean is None else f"{one.mean:.3f}"]
        for one in found
    ]  # fmt: skip
    print_table(_SUMS, rows, numbers=_SUMS[3:])


def _why_none(config: Config, org: str, captured: int) -> str:
    """Say what is missing for answers to be scored."""
    if not config.live_scoring:
        return "nothing is scored: the configuration has no live_scoring policy"
    if not any(rule.payloads == "full" and rule.share for rule in config.capture.rules):
        return "nothing is scored: only captured requests are, and no capture.rules keeps any"
    if not captured:
        return f"nothing is scored: no request of {org} is captured (legato captures list)"
    names = ", ".join(one.name for one in config.live_scoring)
    return (
        f"nothing is scored yet: {captured} requests of {org} are captured; policies ({names}) "
        "take what comes after they began, by route, prompt and share. If it stays so, the "
        "log says why (live scoring waits)"
    )


def alarms(
    *, config_file: Path | None, data: Path, org: str, only_open: bool, count: int, as_json: bool
) -> None:
    """Print the alarms."""
    with stored_data(find_instance(data, config_file)) as stored:
        found = stored.live_score_reader(org).alarms(count, only_open=only_open)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    print_table(_ALARMS, [_line(one) for one in found], numbers=("from", "to"))


def acknowledge(
    *, config_file: Path | None, data: Path, org: str, alarm_id: str, by: str | None
) -> None:
    """Say that an alarm is dealt with."""
    with stored_data(find_instance(data, config_file)) as stored:
        done = stored.live_scores(org).acknowledge(alarm_id, operator(by))
    click.echo(f"{done.id}: acknowledged by {done.acknowledged_by}")


def _plain(alarm: Alarm) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.structs.asdict(alarm)
    return {**plain, "evidence": msgspec.json.decode(alarm.evidence)}


def _line(alarm: Alarm) -> list[str]:
    drift = msgspec.json.decode(alarm.evidence, type=Drift)
    return [
        alarm.id,
        time_text(alarm.at_ns),
        alarm.policy,
        alarm.scorer,
        alarm.versions,
        f"{drift.reference_mean:.3f}",
        f"{drift.mean:.3f}",
        alarm.acknowledged_by,
    ]

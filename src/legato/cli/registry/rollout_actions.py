"""What `legato rollouts` does."""

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.config.yaml_file import read_yaml
from legato.cli.options import print_json
from legato.cli.registry_desk import opened, read_version
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, exact_usd
from legato.core.registry import CHAMPION, SHOWN_DIGITS
from legato.registry.rollouts import Wish, read_plan
from legato.routing.rollouts.course import Command, Phase
from legato.routing.rollouts.plan import Mode
from legato.storage.registry.rollout_events import Event
from legato.storage.registry.rollouts import Rollout
from legato.storage.registry.shadow_outcomes import ShadowSummary

_BP_PER_PERCENT = 100


def start(
    *,
    candidates: tuple[str, ...],
    label: str,
    plan_file: Path,
    author: str | None,
    reason: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Begin a rollout."""
    plan = read_plan(read_yaml(plan_file).plain())
    named = [read_version(one) for one in candidates]
    name = named[0][0]
    if any(other != name for other, _ in named):
        raise InvalidRequest("candidates: name versions of one object", param="candidates")
    wish = Wish(name, label, tuple(version for _, version in named), plan)
    with opened(**options) as desk:
        begun = desk.rollouts_of(name.kind).start(wish, desk.act(author, reason))
    if as_json:
        print_json(_shown(begun))
    else:
        click.echo(f"rollout {begun.id}: {_line(begun)}")
        if begun.state.phase is Phase.WAITING:
            click.echo(f"{begun.told}; they say `legato registry approve {begun.id}`")


def list_rollouts(*, count: int, as_json: bool, **options: Any) -> None:
    """Print rollouts, newest first."""
    with opened(**options) as desk:
        every = [one for each in desk.rollouts for one in each.store.page(count)]
    found = sorted(every, key=lambda one: one.id, reverse=True)[:count]
    if as_json:
        print_json([_shown(one) for one in found])
        return
    print_table(
        ("id", "label", "candidates", "phase", "share", "step", "started", "told"),
        [
            (
                one.id,
                f"{one.name}@{one.label} ({one.environment})",
                " ".join(arm.version[:SHOWN_DIGITS] for arm in one.division.candidates),
                one.state.phase.value,
                _share(one),
                f"{one.state.step + 1} of {len(one.plan.steps)}",
                time_text(one.started_at_ns),
                one.told,
            )
            for one in found
        ],
    )


def show(*, rollout_id: str, as_json: bool, **options: Any) -> None:
    """Print a rollout with everything that was done."""
    with opened(**options) as desk:
        store = desk.rollouts_with(rollout_id).store
        found, events = store.get(rollout_id), store.events(rollout_id)
        shadowed = found.plan.mode is Mode.SHADOW
        shadow = store.shadow(rollout_id) if shadowed else None
    if as_json:
        figures = None if shadow is None else msgspec.structs.asdict(shadow)
        shown = {**_shown(found), "shadow": figures}
        print_json({**shown, "events": [_event(one) for one in events]})
        return
    for name, value in _shown(found).items():
        written = (
            json.dumps(value) if isinstance(value, dict | list) else "" if value is None else value
        )
        click.echo(f"{name:<12} {written}")
    if shadow is not None:
        print_table(("", "shadow", "live"), _beside(shadow))
    print_table(
        ("at", "action", "by", "reason"),
        [(time_text(one.at_ns), one.action, one.actor, one.reason) for one in events],
    )


def steer(
    command: str,
    *,
    rollout_id: str,
    author: str | None,
    reason: str,
    arm: str = "",
    **options: Any,
) -> None:
    """Do what a person commands."""
    with opened(**options) as desk:
        act = desk.act(author, reason)
        rollouts = desk.rollouts_with(rollout_id)
        click.echo(_line(rollouts.steer(rollout_id, Command(command), act, arm)))


def _line(one: Rollout) -> str:
    arms = [arm for arm in one.division.candidates if one.state.chosen in {"", arm.name}]
    came, goes = one.champion[:SHOWN_DIGITS], ", ".join(arm.version[:SHOWN_DIGITS] for arm in arms)
    where = f"{one.name}@{one.label} {came} -> {goes}"
    return f"{where}: {one.state.phase.value}, {_share(one)} of callers"


def _share(one: Rollout) -> str:
    return f"{one.share_bp / _BP_PER_PERCENT:g} %"


def _shown(one: Rollout) -> dict[str, Any]:
    return {
        "id": one.id,
        "environment": one.environment,
        "name": str(one.name),
        "label": one.label,
        "champion": one.champion,
        "candidate": one.candidate,
        "mode": one.plan.mode.value,
        "arms": _arms(one),
        "chosen": one.state.chosen or None,
        "phase": one.state.phase.value,
        "approvals": one.approvals,
        "step": one.state.step + 1,
        "share_bp": one.share_bp,
        "told": one.told,
        "author": one.author,
        "reason": one.reason,
        "started": time_text(one.started_at_ns),
        "ended": None if one.ended_at_ns is None else time_text(one.ended_at_ns),
        "plan": msgspec.to_builtins(one.plan),
    }


def _beside(seen: ShadowSummary) -> list[tuple[str, str, str]]:
    def mean(value: float | None, scale: float = 1.0) -> str:
        return "" if value is None else f"{value / scale:.1f}"

    return [
        ("calls", str(seen.sent), str(seen.sent)),
        ("not copied: too many under way", str(seen.dropped), ""),
        ("not copied: over the budget", str(seen.over_budget), ""),
        ("failed", str(seen.failed), str(seen.live_failed)),
        ("cost, USD", exact_usd(NanoUSD(seen.cost)), exact_usd(NanoUSD(seen.live_cost))),
        ("ms, mean", mean(seen.mean_us, 1000), mean(seen.live_mean_us, 1000)),
        ("output tokens, mean", mean(seen.mean_output_tokens), mean(seen.live_mean_output_tokens)),
        (f"JSON, of {seen.compared} compared", str(seen.json), str(seen.live_json)),
        (f"the same, of {seen.compared} compared", str(seen.agree), ""),
    ]


def _arms(one: Rollout) -> list[dict[str, Any]]:
    division, ended = one.division, one.state.ended
    versions = [(CHAMPION, one.champion)]
    versions += [(arm.name, arm.version) for arm in division.candidates]
    return [
        {
            "name": name,
            "version": version,
            "share_bp": 0 if ended else division.share_bp(name),
            "out": name in division.out,
        }
        for name, version in versions
    ]


def _event(one: Event) -> dict[str, Any]:
    return {
        "at": time_text(one.at_ns),
        "actor": one.actor,
        "action": one.action,
        "reason": one.reason,
        "evidence": msgspec.json.decode(one.evidence),
    }

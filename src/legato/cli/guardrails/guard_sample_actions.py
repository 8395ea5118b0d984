"""What `legato guard samples`, `confirm`, `reject` and `tune` do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.desks.thresholds import Thresholds
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.guard_samples import Excerpt, Judgement
from legato.insights.guard_samples import ShownSample
from legato.storage.kept.guard_samples import SampleFilter


@contextmanager
def _opened(data: Path, config_file: Path | None) -> Iterator[tuple[Instance, StoredData]]:
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        yield instance, stored


def samples(
    data: Path, config_file: Path | None, *, org: str, only_open: bool, count: int, **options: Any
) -> None:
    """Print samples, newest first."""
    as_json = options.pop("as_json")
    wanted = SampleFilter(**options, judgement=Judgement.OPEN if only_open else None)
    with _opened(data, config_file) as (instance, stored):
        stored.reads(org, "sample.read")
        found = stored.guard_samples(instance, org).page(count, None, wanted)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    for one in found:
        click.echo("\n".join(_lines(one)))
    click.echo(f"{len(found)} samples", err=True)


def judge(
    data: Path,
    config_file: Path | None,
    *,
    org: str,
    sample_id: str,
    by: str | None,
    right: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Keep what somebody says of one."""
    judgement = Judgement.CONFIRMED if right else Judgement.REJECTED
    with _opened(data, config_file) as (instance, stored):
        desk = stored.guard_samples(instance, org)
        done = desk.judge(sample_id, judgement, operator(by), reason)
    if as_json:
        print_json(_plain(done))
    else:
        click.echo(f"sample {sample_id} is {done.judgement.value}")


def tune(
    data: Path,
    config_file: Path | None,
    *,
    org: str,
    policy: str,
    rule: str,
    precision: float,
    by: str | None,
    as_json: bool,
) -> None:
    """Propose a threshold, or say why there is none to propose; then end with 1."""
    with _opened(data, config_file) as (instance, stored):
        done = Thresholds(instance, stored, org).propose(policy, rule, precision, operator(by))
    found, proposal = done.tuning, done.proposal
    if as_json:
        told = None if proposal is None else proposal.id
        print_json({"proposal": told, **msgspec.to_builtins(found)})
    else:
        rows = [
            (f"{one.at_least:g}", str(one.confirmed), str(one.rejected), f"{one.low:.3f}")
            for one in found.steps
            if one.confirmed + one.rejected
        ]
        header = ("at_least", "confirmed", "rejected", "precision at least")
        print_table(header, rows, numbers=header)
        click.echo(found.told)
        if proposal is not None:
            click.echo(f"Proposed as {proposal.id}, {proposal.state}: legato proposals accept it.")
        elif found.proposed is not None:
            click.echo("That is what it asks for now: there is nothing to change.")
    if found.proposed is None:
        raise click.exceptions.Exit(1)


def _plain(one: ShownSample) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(one.sample)
    excerpt = None if one.excerpt is None else msgspec.to_builtins(one.excerpt)
    return {**plain, "state": one.judgement.value or "open", "excerpt": excerpt}


def _lines(one: ShownSample) -> Iterator[str]:
    sample = one.sample
    where = f"{sample.pointer} characters {sample.first} to {sample.last}"
    state = one.judgement.value or "open"
    yield f"{sample.id} {time_text(sample.at_ns)} {state}"
    yield f"  {sample.policy}/{sample.rule} {sample.label} {sample.score:.2f} ({sample.detector})"
    yield f"  {sample.request_id} {sample.place} {where}"
    yield f"  {_shown(one.excerpt)}"


def _shown(excerpt: Excerpt | None) -> str:
    if excerpt is None:
        return "(no text is kept)"
    return repr(f"{excerpt.before}«{excerpt.found}»{excerpt.after}")

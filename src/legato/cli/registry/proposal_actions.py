"""What `legato proposals` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

from legato.app.checks.instance import find_instance
from legato.app.config.vendor_facts import load_facts
from legato.app.desks.proposing import Done, Proposing
from legato.app.desks.stored_data import stored_data
from legato.app.desks.twin import Twin
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.registry import Kind
from legato.replay.vendor import ObjectChange
from legato.storage.registry.proposals import Proposal


@contextmanager
def _opened(data: Path, config_file: Path | None, org: str) -> Iterator[tuple[Proposing, Twin]]:
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        twin = Twin(instance, stored, SystemClock())
        yield Proposing(instance, stored, twin, org), twin


def scan(
    *,
    data: Path,
    config_file: Path | None,
    org: str,
    facts: Path | None,
    since: str,
    author: str | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Make proposals and print them."""
    with _opened(data, config_file, org) as (proposing, twin):
        known = [] if facts is None else load_facts(facts, twin.config)
        made = proposing.scan(known, since, operator(author))
    _print(made, as_json=as_json)


def list_proposals(
    *,
    data: Path,
    config_file: Path | None,
    org: str,
    state: str | None,
    count: int,
    as_json: bool,
) -> None:
    """Print proposals."""
    with _opened(data, config_file, org) as (proposing, _):
        _print(proposing.store.page(count, None, state), as_json=as_json)


def show(
    *, data: Path, config_file: Path | None, org: str, proposal_id: str, as_json: bool
) -> None:
    """Print one whole."""
    with _opened(data, config_file, org) as (proposing, _):
        proposing.shown(proposal_id, operator(None))
        found, events = proposing.store.get(proposal_id)
    if as_json:
        print_json({**described(found), "events": msgspec.to_builtins(events)})
        return
    click.echo(f"{found.id} {found.state}, revision {found.revision}")
    for name, value in msgspec.json.decode(found.fact).items():
        if value is not None:
            click.echo(f"{name}: {_said(value)}")
    click.echo(found.told)
    _print_changes(msgspec.json.decode(found.changes, type=list[ObjectChange]))
    rows = [(time_text(one.at_ns), one.actor, one.action, one.reason) for one in events]
    print_table(("time", "by", "did", "because"), rows)


def accept(*, proposal_id: str, author: str | None, reason: str, **options: Any) -> None:
    """Carry one out."""
    with _opened(options["data"], options["config_file"], options["org"]) as (proposing, _):
        done = proposing.accept(proposal_id, operator(author), reason)
    _tell(done, as_json=options["as_json"])


def revert(*, proposal_id: str, author: str | None, reason: str, **options: Any) -> None:
    """Take one back."""
    with _opened(options["data"], options["config_file"], options["org"]) as (proposing, _):
        done = proposing.revert(proposal_id, operator(author), reason)
    _tell(done, as_json=options["as_json"])


def reject(*, proposal_id: str, author: str | None, reason: str, **options: Any) -> None:
    """Decide against one."""
    with _opened(options["data"], options["config_file"], options["org"]) as (proposing, _):
        found = proposing.reject(proposal_id, operator(author), reason)
    if options["as_json"]:
        print_json(described(found))
    else:
        click.echo(f"proposal {found.id} is {found.state}")


def described(one: Proposal) -> dict[str, Any]:
    """Return a proposal as JSON shows it."""
    values: dict[str, Any] = msgspec.to_builtins(one)
    for name in ("fact", "changes", "figures"):
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    return values


def _tell(done: Done, *, as_json: bool) -> None:
    if as_json:
        left = msgspec.to_builtins(done.to_change)
        told = {"applied": done.applied, "to_change": left}
        print_json({**described(done.proposal), **told})
        return
    click.echo(f"proposal {done.proposal.id} is {done.proposal.state}")
    for name in done.applied:
        click.echo(name)
    if done.to_change:
        click.echo("The configuration file keeps these: change them there and start again.")
        _print_changes(done.to_change)
    if not (done.applied or done.to_change):
        click.echo("There is nothing to change here: a vendor's own factor is in the price book.")


def _print(found: list[Proposal], *, as_json: bool) -> None:
    if as_json:
        print_json([described(one) for one in found])
        return
    columns = ("id", "made", "kind", "deployment", "state", "what it would change")
    rows = [
        (one.id, time_text(one.made_at_ns), one.kind, one.subject, one.state, one.told)
        for one in found
    ]
    print_table(columns, rows)


def _said(value: Any) -> str:
    """Return a field of a fact, without what it doesn't say."""
    return value if isinstance(value, str) else msgspec.json.encode(_given(value)).decode()


def _given(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _given(one) for name, one in value.items()}
    return {name: one for name, one in inner.items() if one not in (None, {}, [])}


def _print_changes(changes: list[ObjectChange]) -> None:
    sections = {Kind.DEPLOYMENT: ("deployments", "name"), Kind.ROUTE: ("routes", "alias")}
    for one in changes:
        if not one.after:
            click.echo(f"{one.kind.value} {one.name}: take it out")
            continue
        if one.kind is Kind.GUARDRAIL:
            policies = {"policies": [{"name": one.name, **one.after}]}
            click.echo(yaml.safe_dump({"guardrails": policies}, sort_keys=False))
            continue
        section, name = sections[one.kind]
        click.echo(yaml.safe_dump({section: [{name: one.name, **one.after}]}, sort_keys=False))

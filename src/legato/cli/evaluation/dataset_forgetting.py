"""What `legato datasets delete` and `prune` do: the cases go, the registry's record stays."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from legato.cli.options import print_json
from legato.cli.registry_desk import Desk, opened
from legato.cli.spans import Moment
from legato.core.clock import SystemClock
from legato.core.errors import Conflict, Erased
from legato.core.registry import Kind, ObjectName, checked_name
from legato.evaluation.datasets import check_manifest
from legato.storage.evaluation.datasets import KeptCases


def delete(*, name: str, as_json: bool, **options: Any) -> None:
    """Delete the cases of all versions of a data set, but those another data set has, too.

    Raises:
        Conflict: a live suite names it.
    """
    wanted = ObjectName(Kind.DATASET, checked_name(name))
    with opened(**options) as desk:
        desk.registry.read.object(wanted)
        if suites := list(_live_suites(desk, name)):
            raise Conflict(_named_by(wanted, suites), param="name")
        owners = _owners(desk)
        own = [digest for digest, names in owners.items() if names == {name}]
        gone = sum(desk.datasets.delete(digest) for digest in own)
        shared = sum(name in names for names in owners.values()) - len(own)
    if as_json:
        print_json({"name": name, "cases": gone, "versions": len(own), "shared": shared})
        return
    click.echo(f"{gone} cases of {len(own)} versions of {name} are deleted.")
    if shared:
        click.echo(f"{shared} versions stay: another data set has the same cases.")


def prune(*, older_than: Moment, everything: bool, as_json: bool, **options: Any) -> None:
    """Delete cases that were kept before a time, where no live suite names them."""
    before_ns = older_than.before(SystemClock().now_ns())
    found: list[dict[str, Any]] = []
    kept: dict[str, list[str]] = {}
    with opened(**options) as desk:
        owners = _owners(desk)
        for one in desk.datasets.kept():
            if not _is_due(one, before_ns, everything=everything):
                continue
            names = sorted(owners.get(one.digest, ()))
            suites = [suite for name in names for suite in _live_suites(desk, name)]
            if suites:
                kept |= dict.fromkeys(names, suites)
                continue
            cases = desk.datasets.delete(one.digest)
            found.append({"digest": one.digest, "names": names, "cases": cases})
    if as_json:
        print_json({"deleted": found, "kept": kept})
        return
    cases = sum(one["cases"] for one in found)
    click.echo(f"{cases} cases of {len(found)} versions are deleted.")
    for name, suites in kept.items():
        click.echo(f"stays: {_named_by(ObjectName(Kind.DATASET, name), suites)}")


def _is_due(one: KeptCases, before_ns: int, *, everything: bool) -> bool:
    return one.created_at_ns < before_ns and (everything or one.traffic)


def _owners(desk: Desk) -> dict[str, set[str]]:
    """Return the data sets that have each digest, by name."""
    owners: dict[str, set[str]] = {}
    for one in desk.registry.read.objects():
        if one.name.kind is Kind.DATASET:
            for version in desk.registry.read.versions(one.name):
                try:
                    manifest = check_manifest(desk.registry.content(version))
                except Erased:  # nobody can read its cases either
                    continue
                owners.setdefault(manifest.cases_digest, set()).add(one.name.name)
    return owners


def _live_suites(desk: Desk, name: str) -> Iterator[str]:
    """Yield the suites with a label that name a data set."""
    for use in desk.registry.read.uses(Kind.DATASET.value, name):
        if use.name.kind is Kind.SUITE:
            named = f"{use.name.kind}:{use.name.name}"
            yield from (f"{named}@{label} in {environment}" for environment, label in use.labels)


def _named_by(name: ObjectName, suites: Sequence[str]) -> str:
    first = suites[0]
    suite, _, where = first.partition(" in ")
    label = suite.partition("@")[2]
    return (
        f"{name} is named by {', '.join(suites)}: point that label to a suite without it, or take "
        f"it away by `legato registry label --remove {suite} {label} --environment {where}`"
    )

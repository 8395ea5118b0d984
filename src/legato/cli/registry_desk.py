"""The registry that a command's options mean, and how versions are named in commands."""

import os
import pwd
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.registry_access import Beside
from legato.app.desks.residency import saved_outside
from legato.app.desks.stored_data import StoredData, stored_data
from legato.core.errors import InvalidRequest, NotFound
from legato.core.registry import (
    DEFAULT_LABEL,
    INSTANCE_KINDS,
    INSTANCE_ORG,
    Kind,
    ObjectName,
    Selector,
    Truth,
    checked_name,
    selector,
)
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.evaluation.datasets import Datasets
from legato.registry.documents import Document, Placed
from legato.registry.registry import Act, Registry
from legato.registry.rollouts import Rollouts
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.records import Changes, VersionRecord

if TYPE_CHECKING:
    from legato.evaluation.routing.kept import Routers


class Desk(msgspec.Struct, frozen=True, eq=False):
    """An organisation's registry beside the instance's, and the environment that is meant."""

    registry: Registry
    instance: Registry
    rollouts: tuple[Rollouts, ...]
    """Of the organisation, and of the instance; one, if that is meant."""
    datasets: Datasets
    routers: Callable[[], "Routers"]
    """Opens the predictors of the organisation's routers; needs numpy."""
    environment: str
    make_together: Callable[[Sequence[tuple[RegistryChanges, Changes]]], None]
    reads: Callable[[str, str], None]
    """Records an action that gives data to read, and the name of what; before it does."""
    outside: Callable[[Document], list[str]]
    """What tenants that are held to regions can't call of what a document brings."""

    def of(self, kind: Kind) -> Registry:
        """Return the registry that has objects of a kind."""
        return self.instance if kind in INSTANCE_KINDS else self.registry

    def rollouts_of(self, kind: Kind) -> Rollouts:
        """Return the rollouts of objects of a kind."""
        return self.rollouts[-1 if kind in INSTANCE_KINDS else 0]

    def rollouts_with(self, rollout_id: str) -> Rollouts:
        """Return the rollouts that one is among; of none of them, the organisation's."""
        for one in self.rollouts[1:]:
            with suppress(NotFound):
                one.store.get(rollout_id)
                return one
        return self.rollouts[0]

    @property
    def both(self) -> tuple[Registry, ...]:
        """The registries that are meant where no kind is named: one, if the instance's is."""
        return tuple(dict.fromkeys((self.registry, self.instance)))

    def act(self, author: str | None, reason: str, through: Truth = Truth.DATABASE) -> Act:
        """Return who acts; the author is this user where none is named."""
        return Act(operator(author), reason, self.environment, through)

    def version(self, text: str) -> VersionRecord:
        """Return the version that KIND:NAME@VERSION names."""
        name, wanted = read_version(text)
        return self.of(name.kind).read.version(name, wanted, self.environment)


def operator(name: str | None) -> str:
    """Return who works at this terminal: this user where none is named."""
    return f"operator:{name or pwd.getpwuid(os.getuid()).pw_name}"


@contextmanager
def opened(
    config_file: Path | None,
    data: Path,
    *,
    org: str,
    environment: str | None,
    documents: Sequence[Placed] = (),
    predictors: Iterable[str] = (),
    **_: Any,
) -> Iterator[Desk]:
    """Open the registry that the options mean; `documents` are those that are applied together.

    `predictors` are the digests of those beside them.
    """
    names = frozenset(one.document.name for one in documents if _is_model(one))
    beside = Beside(names, frozenset(predictors))
    instance = find_instance(data, config_file)
    with stored_data(instance, create=True) as stored:
        where = environment or instance.loaded.config.registry.environment
        own = stored.registry(instance, org, where, beside)
        instances = own if org == INSTANCE_ORG else stored.registry(instance, INSTANCE_ORG, where)
        owners = dict.fromkeys((org, INSTANCE_ORG))
        rollouts = tuple(stored.rollouts(instance, owner) for owner in owners)
        datasets = stored.datasets(instance, org)
        reads = partial(stored.reads, org)
        routers = partial(stored.routers, instance, org)
        made = stored.make_together
        outside = partial(_outside, stored, instance, org)
        yield Desk(own, instances, rollouts, datasets, routers, where, made, reads, outside)


def _outside(stored: StoredData, instance: Instance, org: str, document: Document) -> list[str]:
    reach = EVERY_TENANT if document.kind in INSTANCE_KINDS else Tenant(org)
    held = stored.residency_of(reach).all()
    return [*saved_outside(stored.served(instance).config, held, document)] if held else []


def say_outside(desk: Desk, document: Document) -> None:
    """Warn of what tenants can't call of what a document brings."""
    for told in desk.outside(document):
        click.echo(f"warning: {told}", err=True)


def _is_model(placed: Placed) -> bool:
    return placed.document.kind in INSTANCE_KINDS and DEFAULT_LABEL in placed.document.labels


def read_name(text: str) -> ObjectName:
    """Read KIND:NAME. Raises InvalidRequest."""
    kind, colon, name = text.partition(":")
    if not colon or kind not in set(Kind):
        kinds = ", ".join(Kind)
        raise InvalidRequest(f"{text!r}: write KIND:NAME, the kind one of {kinds}", param="name")
    return ObjectName(Kind(kind), checked_name(name))


def read_version(text: str) -> tuple[ObjectName, Selector]:
    """Read KIND:NAME@VERSION; without a version, its production label."""
    name, _, version = text.partition("@")
    return read_name(name), selector(version or DEFAULT_LABEL)

"""Finds the workflows that runs run: versions of the registry, or definitions written out."""

from collections.abc import Callable
from functools import partial
from typing import Any

from legato.core.config import Config
from legato.core.errors import NotFound
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, selector, shown
from legato.core.tenant import Tenant
from legato.flow.definition import Definition
from legato.registry.registry import Sealing
from legato.registry.workflows import WorkflowVersions, check_workflow, read_workflow
from legato.storage.database.engine import open_engine
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.workflows.runs.rooms import Resolved


class StoredDefinitions:
    """Of every organisation; blocking. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        config: Config,
        database_url: str,
        sealing: Sealing,
        *,
        callable_names: Callable[[], frozenset[str]] | None = None,
        against_tool: Callable[[str, str], str] | None = None,
    ) -> None:
        """`callable_names` are those of models, where definitions are to be checked.

        `against_tool` says why an organisation's can't name a tool, "" where they can.
        """
        engine = self._engine = open_engine(database_url)
        environment = self._environment = config.registry.environment
        self._versions = WorkflowVersions(
            lambda org: RegistryReader(engine, Tenant(org)),
            RegistrySnapshots(engine, environment).rollouts,
            sealing,
            environment,
        )
        self._callable_names = callable_names
        self._against_tool = against_tool

    def resolve(self, org: str, ref: str, unit: str) -> Resolved:
        """Return what NAME, NAME@LABEL, NAME@NUMBER or NAME@DIGEST means to somebody.

        Raises:
            NotFound: there is none; InvalidRequest: it can't run.
        """
        chosen = self._versions.choose(org, ref, unit)
        version = shown(ObjectName(Kind.WORKFLOW, chosen.name), chosen.digest)
        return Resolved(chosen.name, chosen.definition, chosen.arm, version)

    def read(self, org: str, content: Any) -> Definition:
        """Return a definition written as plain data.

        Raises:
            InvalidRequest: with all that is wrong with it.
        """
        if self._callable_names is not None:
            against = None if self._against_tool is None else partial(self._against_tool, org)
            check_workflow(content, self._callable_names, partial(self._is_there, org), against)
        return read_workflow(content)

    def _is_there(self, org: str, name: ObjectName, version: str) -> bool:
        wanted = selector(version or DEFAULT_LABEL)
        try:
            RegistryReader(self._engine, Tenant(org)).version(name, wanted, self._environment)
        except NotFound:
            return False
        return True

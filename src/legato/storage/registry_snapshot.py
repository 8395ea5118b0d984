"""The registry as workers read it: every organisation's labels of one environment, at once."""

from sqlalchemy import Engine, select

from legato.core.registry import ObjectName, Selector
from legato.core.tenant import Tenant
from legato.storage.engine import reading
from legato.storage.registry import RegistryReader, version_record
from legato.storage.registry_changes import REGISTRY_VERSION
from legato.storage.registry_records import LabelledVersion, RunningRollout, VersionRecord
from legato.storage.registry_schema import registry_label, registry_version
from legato.storage.rollout_schema import rollout
from legato.storage.rollouts import share_bp
from legato.storage.versions import version


class RegistrySnapshots:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, environment: str) -> None:
        self._engine = engine
        self._environment = environment

    def version(self) -> int:
        """Return a number that rises with every change: one row, cheap to poll."""
        with reading(self._engine) as connection:
            return version(connection, REGISTRY_VERSION)

    def read(self) -> tuple[int, list[LabelledVersion]]:
        """Return everything that has a label, and the number it is at least as new as."""
        label, kept = registry_label.c, registry_version.c
        wanted = (
            select(registry_version, label.label)
            .join(
                registry_label,
                (label.org == kept.org)
                & (label.kind == kept.kind)
                & (label.name == kept.name)
                & (label.digest == kept.digest),
            )
            .where(label.environment == self._environment)
        )
        with reading(self._engine) as connection:
            # Read first: a change in between makes the rows newer than they claim, never older.
            number = version(connection, REGISTRY_VERSION)
            rows = connection.execute(wanted).all()
        return number, [LabelledVersion(row.org, row.label, version_record(row)) for row in rows]

    def find(self, org: str, name: ObjectName, wanted: Selector) -> VersionRecord:
        """Return a version, whether or not it has a label. Raises NotFound, InvalidRequest."""
        return RegistryReader(self._engine, Tenant(org)).version(name, wanted, self._environment)

    def rollouts(self) -> list[RunningRollout]:
        """Return what is under way in the environment."""
        running, kept = rollout.c, registry_version.c
        wanted = (
            select(
                registry_version,
                running.id.label("rollout_id"),
                running.label,
                running.plan,
                running.phase,
                running.step,
                running.since_ns,
            )
            .join(
                rollout,
                (running.org == kept.org)
                & (running.kind == kept.kind)
                & (running.name == kept.name)
                & (running.candidate == kept.digest),
            )
            .where(running.environment == self._environment, running.ended_at_ns.is_(None))
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [
            RunningRollout(
                row.org,
                row.rollout_id,
                version_record(row).name,
                row.label,
                version_record(row),
                share_bp(row),
            )
            for row in rows
        ]

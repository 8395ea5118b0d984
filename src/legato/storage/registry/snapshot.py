"""The registry as workers read it: every organisation's labels of one environment, at once."""

from sqlalchemy import Connection, Engine, select

from legato.core.registry import Kind, ObjectName, Selector
from legato.core.tenant import Tenant
from legato.routing.rollouts.plan import Mode
from legato.storage.database.engine import reading
from legato.storage.database.versions import version
from legato.storage.registry.changes import REGISTRY_VERSION
from legato.storage.registry.reader import RegistryReader, version_record
from legato.storage.registry.records import LabelledVersion, RunningRollout, VersionRecord
from legato.storage.registry.rollouts import Rollout, running_rollouts
from legato.storage.tables.registry import registry_label, registry_version


class RegistrySnapshots:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, environment: str) -> None:
        self._engine = engine
        self._environment = environment

    def version(self) -> int:
        """Return a number that rises with every change: one row, cheap to poll."""
        with reading(self._engine) as connection:
            return version(connection, REGISTRY_VERSION)

    def read(self, kind: Kind | None = None) -> tuple[int, list[LabelledVersion]]:
        """Return what has a label, of one kind or all, and the number it is as new as, or newer."""
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
        if kind is not None:
            wanted = wanted.where(kept.kind == kind.value)
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
        under_way = running_rollouts(self._engine, self._environment)
        if not under_way:
            return []
        with reading(self._engine) as connection:
            return [_running(connection, one) for one in under_way]


def _running(connection: Connection, one: Rollout) -> RunningRollout:
    kept = registry_version.c
    arms = {arm.version: arm.name for arm in one.division.candidates}
    serving = {part.arm for part in one.division.slices}
    wanted = select(registry_version).where(
        kept.org == one.org,
        kept.kind == one.name.kind.value,
        kept.name == one.name.name,
        kept.digest.in_(digest for digest, arm in arms.items() if arm in serving),
    )
    versions = [version_record(row) for row in connection.execute(wanted)]
    candidates = {arms[version.digest]: version for version in versions}
    budget = one.plan.budget if one.plan.mode is Mode.SHADOW else None
    return RunningRollout(
        one.org, one.id, one.name, one.label, one.division.slices, candidates, budget
    )

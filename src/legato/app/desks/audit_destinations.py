"""Destinations of the audit log as the configuration has them, and the log as their source."""

from pathlib import Path

from legato.app.checks.egress import egress_of
from legato.app.config.loaded import LoadedConfig
from legato.app.desks.audit import AuditDesk
from legato.audit.note import VerifyingKey
from legato.audit.tiles import Tile
from legato.core.clock import SystemClock
from legato.core.config_audit import AuditExport, ObjectStoreCopy
from legato.core.config_parts import SecretRef
from legato.core.errors import OperatorError
from legato.offsite.connections import Rules
from legato.offsite.destination import Destination
from legato.offsite.files import FileObjects
from legato.offsite.mirror import Mirror
from legato.offsite.object_store import Bucket, BucketObjects
from legato.offsite.streams import Syslog, Webhook
from legato.storage.audit.tiles import LogTiles


class LogSource:
    """A `Source`: the log of a database."""

    def __init__(self, desk: AuditDesk, tiles: LogTiles) -> None:
        """`desk` reaches all of the log."""
        self._desk = desk
        self._tiles = tiles

    @property
    def key(self) -> VerifyingKey:
        """What its checkpoints are verified by."""
        return self._desk.key

    def size(self) -> int:
        """Return how many events there are."""
        return self._desk.log.head().size

    def root(self, size: int) -> bytes:
        """Return the root it had at a size."""
        return self._desk.log.root(size)

    def checkpoint(self, size: int) -> str:
        """Return a signed checkpoint of a size."""
        return self._desk.checkpoint(size)

    def hashes(self, tile: Tile) -> bytes:
        """Return a tile."""
        return self._tiles.hashes(tile)

    def events(self, tile: Tile) -> bytes:
        """Return a bundle of events."""
        return self._tiles.events(tile)


def destination_of(export: AuditExport, loaded: LoadedConfig) -> Destination:
    """Return what a setting means; nothing is connected to yet."""
    egress, now_ns = egress_of(loaded.config), SystemClock.now_ns
    if export.syslog is not None:
        said = export.syslog
        return Syslog(said.address, said.facility, Rules(egress, said.ca_file))
    if export.webhook is not None:
        hook = export.webhook
        secret = _secret(loaded, hook.secret)
        return Webhook(hook.url, lambda: secret, Rules(egress, hook.ca_file), now_ns)
    return mirror_of(export, loaded)


def mirror_of(export: AuditExport, loaded: LoadedConfig) -> Mirror:
    """Return a destination that can be read back.

    Raises:
        OperatorError: it can't be.
    """
    if export.file is not None:
        return Mirror(FileObjects(Path(export.file.path)))
    said = export.s3
    if said is None:
        raise OperatorError(
            f"audit.export `{export.name}` can't be read back: give a checkpoint that it "
            "received by --checkpoint FILE"
        )
    return Mirror(bucket_of(said, loaded))


def bucket_of(said: ObjectStoreCopy, loaded: LoadedConfig) -> BucketObjects:
    """Return the bucket that a setting means; nothing is connected to yet."""
    secret = _secret(loaded, said.secret_access_key)
    bucket = Bucket(
        said.endpoint, said.bucket, said.prefix, said.region,
        _secret(loaded, said.access_key_id), lambda: secret,
    )  # fmt: skip
    rules = Rules(egress_of(loaded.config), said.ca_file)
    return BucketObjects(bucket, rules, SystemClock.now_ns)


def _secret(loaded: LoadedConfig, reference: SecretRef) -> str:
    return loaded.secret(reference) or ""

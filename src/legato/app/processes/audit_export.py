"""Copies the audit log to where the configuration says, in the ledger process, and watches it."""

import logging
import threading
from collections.abc import Sequence
from typing import Final

import msgspec

from legato.app.context import ProcessContext
from legato.core.clock import Clock, SystemClock
from legato.core.config_audit import AuditExport
from legato.core.errors import LegatoError
from legato.offsite.destination import Copied, CopyFailed, Destination, Forked, Source
from legato.storage.audit.exports import AuditExports, ExportState
from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_ALARM_AFTER: Final = 3
"""So many intervals without success are an alarm."""
_ALARM_EVERY_NS: Final = 3_600_000_000_000
_RETRY_S: Final = 30.0
_NS_PER_S: Final = 1_000_000_000


class Way(msgspec.Struct):
    """One destination and when it is next tried."""

    said: AuditExport
    destination: Destination
    next_ns: int = 0
    alarmed_ns: int = 0


class Exporter:
    """Run by one thread."""

    def __init__(
        self, ways: Sequence[Way], source: Source, states: AuditExports, meters: Meters
    ) -> None:
        self._ways = ways
        self._source = source
        self._states = states
        self._meters = meters
        self._clock: Clock = SystemClock()

    def run(self, stop: threading.Event) -> None:
        """Copy what is due until told to stop."""
        while not stop.wait(_LOOK_S):
            for way in self._ways:
                if self._clock.now_ns() >= way.next_ns and not stop.is_set():
                    self.export(way)

    def export(self, way: Way) -> None:
        """Copy to one now; what fails is tried again, sooner than the next time."""
        name, wait_s = way.said.name, way.said.every_s
        try:
            before = self._states.state(name)
            size = self._source.size()
            try:
                way.destination.copy(self._source, Copied(before.size, before.root), size)
            except (CopyFailed, Forked) as problem:
                wait_s = min(wait_s, _RETRY_S)
                self._failed(way, before, problem)
                size = before.size
            else:
                self._done(before, size)
            self._tell(name, size)
        except (LegatoError, ValueError) as error:
            wait_s = min(wait_s, _RETRY_S)
            log.warning("the audit log can't be copied", extra={"to": name, "reason": str(error)})
        except Exception:  # a defect must not end it: nothing would be copied from then on
            log.exception("the audit log can't be copied", extra={"to": name})
        way.next_ns = self._clock.now_ns() + int(wait_s * _NS_PER_S)

    def _done(self, before: ExportState, size: int) -> None:
        now_ns = self._clock.now_ns()
        if before.failing_since_ns is not None:
            log.info("the audit log is copied again", extra={"to": before.name})
        root = self._source.root(size) if size else b""
        self._states.keep(ExportState(before.name, size, root, now_ns))
        self._meters.audit_export(before.name, "timestamp_seconds", now_ns / _NS_PER_S)
        self._meters.audit_export(before.name, "forked", 0)

    def _failed(self, way: Way, before: ExportState, problem: Exception) -> None:
        now_ns, forked = self._clock.now_ns(), isinstance(problem, Forked)
        since = before.failing_since_ns or now_ns
        self._states.keep(
            msgspec.structs.replace(
                before, failing_since_ns=since, forked=forked, told=str(problem)
            )
        )
        self._meters.audit_export_failed(before.name, "forked" if forked else "unreachable")
        self._meters.audit_export(before.name, "forked", int(forked))
        told = {"to": before.name, "reason": str(problem)}
        late = now_ns - since >= _ALARM_AFTER * way.said.every_s * _NS_PER_S
        if (forked or late) and now_ns - way.alarmed_ns >= _ALARM_EVERY_NS:
            way.alarmed_ns = now_ns
            what = "isn't the one that was copied" if forked else "hasn't been copied for long"
            log.error("ALARM: the audit log %s", what, extra=told)
        elif before.failing_since_ns is None:
            log.warning("the audit log can't be copied, it is tried again", extra=told)

    def _tell(self, name: str, size: int) -> None:
        self._meters.audit_export(name, "lag_events", self._source.size() - size)
        try:
            self._meters.save()
        except OSError as error:
            log.warning("no metrics snapshot", extra={"reason": error.strerror})


def open_exporter(context: ProcessContext, meters: Meters) -> Exporter | None:
    """Return what copies, None where nothing is to be copied; it costs nothing then.

    Raises:
        VaultUnusable, StorageUnavailable: the key that signs can't be had.
    """
    exports = context.loaded.config.audit.export
    if not exports:
        return None
    from legato.app.desks.audit import AuditDesk, signing_key  # noqa: PLC0415 - see above
    from legato.app.desks.audit_destinations import (  # noqa: PLC0415
        LogSource,
        destination_of,
    )
    from legato.app.models.vaults import open_data_keys  # noqa: PLC0415
    from legato.core.tenant import EVERY_TENANT  # noqa: PLC0415
    from legato.storage.audit.log import AuditLog  # noqa: PLC0415
    from legato.storage.audit.tiles import LogTiles  # noqa: PLC0415
    from legato.storage.data_keys import DataKeyTable  # noqa: PLC0415
    from legato.vault.master import Vault  # noqa: PLC0415

    engine = context.engine
    keys = open_data_keys(context.loaded, context.data, DataKeyTable(engine))
    whole = AuditLog(engine, EVERY_TENANT)
    desk = AuditDesk(whole, whole, signing_key(Vault(keys.root())))
    ways = [Way(one, destination_of(one, context.loaded)) for one in exports]
    return Exporter(ways, LogSource(desk, LogTiles(engine)), AuditExports(engine), meters)


def run_exporter(context: ProcessContext, meters: Meters, stop: threading.Event) -> None:
    """Copy until told to stop; while the key can't be had, try again."""
    while not stop.is_set():
        try:
            exporter = open_exporter(context, meters)
        except LegatoError as error:
            log.warning("the audit log can't be copied", extra={"reason": error.message})
            stop.wait(_RETRY_S)
            continue
        if exporter is not None:
            exporter.run(stop)
        return

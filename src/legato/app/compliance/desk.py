"""What commands and the control API do about compliance."""

import socket
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from legato.app.checks.instance import Instance
from legato.app.compliance.checks import CHECKS
from legato.app.compliance.report import Anchor, Frame, Report, digest_of, reported
from legato.app.compliance.running import Look, look_at, standing_now
from legato.app.compliance.scene import Scene
from legato.app.desks.audit import AuditDesk
from legato.core.clock import Clock
from legato.core.compliance import ControlStatus, Framework, Result
from legato.core.errors import InvalidRequest, NotFound
from legato.reporting.pages import render_pdf_apart
from legato.storage.compliance.results import ComplianceResults
from legato.storage.database.engine import open_engine

Form = Literal["json", "pdf"]
_DAYS_90_NS: Final = 90 * 86_400_000_000_000


class Made(msgspec.Struct, frozen=True):
    """A report as a file, its digest, and the event of the audit log that names it."""

    document: bytes
    digest: str
    event: int


class ComplianceDesk:
    """Blocking. Every method may raise StorageUnavailable."""

    def __init__(self, instance: Instance, audit: AuditDesk, clock: Clock) -> None:
        self._loaded = instance.loaded
        self._data = instance.data
        self._clock = clock
        self._audit = audit
        self._results = ComplianceResults(open_engine(instance.database_url))

    def standing(self, framework: Framework | None = None) -> list[ControlStatus]:
        """Return how controls stand."""
        said = self._loaded.config.compliance
        found = standing_now(self._results, said, self._clock.now_ns())
        return [one for one in found if framework in {None, one.control.framework}]

    def newest(self) -> list[Result]:
        """Return what each check came to last."""
        return self._results.newest()

    def look(self, checks: Sequence[str] = (), *, heavy: bool = False) -> list[Look]:
        """Look now: by the checks named, else by all that are light, or by all.

        Raises:
            NotFound: there is no such check.
        """
        for name in checks:
            if name not in CHECKS:
                raise NotFound(f"there is no check {name}", param="check")
        wanted = [CHECKS[name] for name in checks] or [
            one for one in CHECKS.values() if heavy or not one.heavy
        ]
        scene = Scene(self._loaded, self._data, self._clock)
        try:
            return look_at(scene, self._results, wanted)
        finally:
            scene.close()

    def history(self, check: str, from_ns: int, to_ns: int | None) -> list[Result]:
        """Return what a check, or every one, came to in a period, oldest first.

        Raises:
            NotFound: there is no such check.
        """
        if check and check not in CHECKS:
            raise NotFound(f"there is no check {check}", param="check")
        return self._results.between(from_ns, to_ns or self._clock.now_ns() + 1, check)

    def report(
        self, framework: Framework, form: Form, period: tuple[int | None, int | None]
    ) -> Made:
        """Make a report and record its digest.

        Raises:
            InvalidRequest: the period ends before it begins.
            OperatorError: a PDF is wanted, and its extra isn't installed.
        """
        now_ns = self._clock.now_ns()
        to_ns = now_ns if period[1] is None else min(period[1], now_ns)
        from_ns = to_ns - _DAYS_90_NS if period[0] is None else period[0]
        if from_ns >= to_ns:
            raise InvalidRequest("from: the period must begin before it ends", param="from")
        said = self._gathered(framework, (from_ns, to_ns, now_ns))
        if form == "json":
            document = msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"
        else:
            document = render_pdf_apart("compliance", said, made_ns=now_ns)
        digest = digest_of(document)
        name = f"compliance {framework.value}"
        told = {"form": form, "from": said.period[0] or "", "to": said.period[1] or ""}
        return Made(document, digest, self._results.record_report(name, digest, told))

    def _gathered(self, framework: Framework, times: tuple[int, int, int]) -> Report:
        head = self._audit.log.head()
        frame = Frame(
            from_ns=times[0],
            to_ns=times[1],
            now_ns=times[2],
            node=socket.gethostname(),
            anchor=Anchor(
                head.size,
                head.root.hex(),
                self._audit.checkpoint(head.size),
                str(self._audit.key),
            ),
        )
        return reported(framework, frame, self._results, self._loaded.config.compliance)

"""Tells people, in the ledger process: looks for what is to be told, and sends what is due.

One process does so for each database, by a claim. Without a channel there is nothing to do, and
nothing of it is loaded.
"""

import logging
import threading
from typing import TYPE_CHECKING, Final

from legato.app.context import ProcessContext
from legato.core.errors import LegatoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.notify.sender import Claim, Sender
    from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

_AROUND_EVERY_S: Final = 60.0
_RETRY_S: Final = 30.0
_SNAPSHOT: Final = "metrics-notify.bin"


class Notifying:
    """Run by one thread."""

    def __init__(
        self,
        looks: "tuple[Callable[[], object], Callable[[], object]]",
        sender: "Sender",
        *,
        claim: "Claim",
        meters: "Meters",
    ) -> None:
        """`looks`: at what people are told of at once, and at what can wait for a minute."""
        self._soon, self._around = looks
        self._sender = sender
        self._claim = claim
        self._meters = meters

    def run(self, stop: threading.Event, look_s: float) -> None:
        """Look and send until told to stop."""
        from legato.notify.sender import CLAIM_NS  # noqa: PLC0415 - see above

        since_around_s, away = _AROUND_EVERY_S, False
        while not stop.wait(look_s):
            try:
                if self._claim.take(CLAIM_NS):
                    since_around_s = self._look(since_around_s + look_s)
                    while self._sender.send_due(stop.is_set) and not stop.is_set():
                        self._save()
                away = False
            except LegatoError as error:
                if not away:
                    log.warning("notifications wait", extra={"reason": error.message})
                away = True
            except Exception:  # a defect must not end it: nobody would be told from then on
                log.exception("notifications wait")

    def _look(self, since_around_s: float) -> float:
        self._soon()
        if since_around_s < _AROUND_EVERY_S:
            return since_around_s
        self._around()
        self._save()
        return 0.0

    def _save(self) -> None:
        try:
            self._meters.save()
        except OSError as error:
            log.warning("no metrics snapshot", extra={"reason": error.strerror})


def run_notifying(context: ProcessContext, stop: threading.Event) -> None:
    """Tell people until told to stop."""
    said = context.loaded.config.notifications
    if not said.channels:
        return
    from legato.app.desks.digests import digests_of  # noqa: PLC0415 - see above
    from legato.app.desks.notifying import channels_of, words  # noqa: PLC0415
    from legato.app.desks.scheduling import attaching  # noqa: PLC0415
    from legato.app.desks.service_levels import service_traces  # noqa: PLC0415
    from legato.app.desks.task_telling import linking, sealed_outbox  # noqa: PLC0415
    from legato.app.secret_following import follow_stored_secrets  # noqa: PLC0415
    from legato.core.clock import SystemClock  # noqa: PLC0415
    from legato.core.ids import IdSource  # noqa: PLC0415
    from legato.notify.lookout import Lookout  # noqa: PLC0415
    from legato.notify.sender import Patience, Sender  # noqa: PLC0415
    from legato.storage.notifications.claims import WorkClaim  # noqa: PLC0415
    from legato.storage.notifications.traces import Traces  # noqa: PLC0415
    from legato.telemetry.metrics import Meters  # noqa: PLC0415

    engine, clock = context.engine, SystemClock()
    outbox = sealed_outbox(context.loaded, context.data, context.database_url)
    meters = Meters(context.data.run / _SNAPSHOT)
    # an SQLite file has one supervisor: after a crash the next goes on at once
    alone = engine.dialect.name == "sqlite"
    claim = WorkClaim(engine, "notifications", "alone" if alone else IdSource(clock).new())
    lookout = Lookout(Traces(engine), outbox, words(), routes=said.routes, now_ns=clock.now_ns)
    patience = Patience(said.attempts_max, said.retry_s)
    channels = channels_of(context.loaded)
    follow_stored_secrets(
        context.loaded,
        lambda path: path[:1] == ("notifications",),
        lambda _: channels.update(channels_of(context.loaded)),
        stop,
    )
    sender = Sender(
        outbox,
        claim,
        channels,
        patience=patience,
        count=meters.notification,
        clock=clock,
        attached=linking(context, clock, attaching(engine, clock)),
    )
    digests, new_id = digests_of(engine, clock), IdSource(clock).new
    services = service_traces(context, clock)

    def around() -> None:
        lookout.look_around()
        lookout.look_at_weeks(digests, said.digests)

    def soon() -> None:
        lookout.look_at_budgets()
        lookout.look_at_services(services, new_id)

    Notifying((soon, around), sender, claim=claim, meters=meters).run(stop, said.look_s)
    try:
        claim.give_back()
    except LegatoError as error:
        log.info("the claim lapses by itself", extra={"reason": error.message})

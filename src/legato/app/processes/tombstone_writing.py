"""Copies tombstones to where the configuration says, in the ledger process."""

import logging
import threading
from typing import TYPE_CHECKING, Final

from legato.app.context import ProcessContext
from legato.core.errors import LegatoError

if TYPE_CHECKING:
    from legato.app.desks.tombstones import Copies

log = logging.getLogger(__name__)

_RETRY_S: Final = 5.0


def write_tombstones(context: ProcessContext, stop: threading.Event) -> None:
    """Copy until told to stop, and once more then; costs nothing where nothing is to be copied."""
    said = context.loaded.config.tombstones
    if not said.copies:
        return
    from legato.app.desks.stored_data import StoredData  # noqa: PLC0415 - only where it is used
    from legato.app.desks.tombstones import Copies  # noqa: PLC0415 - likewise

    stored = StoredData(context.database_url)
    copies: Copies | None = None
    failing: set[str] = set()
    wait_s = said.every_s
    while True:
        stopped = stop.wait(wait_s)
        try:
            copies = copies or Copies(
                context.loaded, context.data, stored, holder=f"ledger {context.boot_id}"
            )
            wait_s = max(said.every_s, _RETRY_S) if _written(copies, failing) else said.every_s
        except LegatoError as error:
            log.warning("tombstones can't be copied", extra={"reason": error.message})
            wait_s = max(said.every_s, _RETRY_S)
        except Exception:  # a defect must not end it: nothing would be copied from then on
            log.exception("tombstones can't be copied")
            wait_s = max(said.every_s, _RETRY_S)
        if stopped:
            stored.close()
            return


def _written(copies: "Copies", failing: set[str]) -> bool:
    """Copy to each; return whether one failed."""
    from legato.app.desks.tombstones import Unreadable  # noqa: PLC0415 - see above

    failed = False
    for said in copies.said:
        try:
            while copies.write(said):
                pass
            if said.name in failing:
                failing.discard(said.name)
                log.info("tombstones are copied again", extra={"to": said.name})
        except Unreadable as problem:
            failed = True
            copies.failed(said, str(problem))
            if said.name not in failing:
                failing.add(said.name)
                told = {"to": said.name, "reason": str(problem)}
                log.error("ALARM: tombstones can't be copied", extra=told)  # noqa: TRY400 - its reason says all
    return failed

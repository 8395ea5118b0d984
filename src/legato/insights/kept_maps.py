"""Redaction maps that policies keep, opened for those who may: each reading is written down."""

import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from legato.core.errors import Forbidden, InvalidRequest, NotFound
from legato.core.kept_maps import Values, decode_values, map_context, reading_context
from legato.insights.guard_samples import Sealing
from legato.storage.kept.kept_maps import Asking, KeptMaps

log = logging.getLogger(__name__)

REASON_MAX: Final = 2_000


class Restored(msgspec.Struct, frozen=True):
    """A request's values, by what stood for them; and a text with the values put back."""

    request_id: str
    values: Values
    text: str | None


class ShownReading(msgspec.Struct, frozen=True):
    """That somebody asked for one."""

    at_ns: int
    actor: str
    outcome: str
    reason: str


class Restoring:
    """One organisation's. Blocking; methods may raise StorageUnavailable and VaultUnusable."""

    def __init__(self, org: str, maps: KeptMaps, sealing: Sealing) -> None:
        self._org = org
        self._maps = maps
        self._sealing = sealing

    def restore(
        self, request_id: str, reason: str, actor: str, *, key: str | None, text: str | None = None
    ) -> Restored:
        """Return what was redacted in a request; `key` is None for the operator at the machine.

        Raises:
            InvalidRequest: there is no reason.
            NotFound: nothing is kept, or it can't be opened any more.
            Forbidden: the policy names other keys.
        """
        told = reason.strip()[:REASON_MAX]
        if not told:
            raise InvalidRequest("reading redacted values needs its reason", param="reason")
        sealed = self._sealing.seal(self._org, told.encode(), reading_context(request_id))
        said = {"request": request_id, "org": self._org, "actor": actor}
        try:
            found = self._maps.read(request_id, Asking(actor, key, sealed))
        except Forbidden:
            log.warning("reading redacted values was refused", extra=said)
            raise
        log.info("redacted values were read", extra=said)
        try:
            opened = self._sealing.open(self._org, found.sealed, map_context(request_id))
        except ValueError:
            gone = f"the redacted values of {request_id} can't be opened any more"
            raise NotFound(gone, param="request_id") from None
        values = decode_values(opened)
        return Restored(request_id, values, None if text is None else _put_back(text, values))

    def readings(self, request_id: str) -> list[ShownReading]:
        """Return who asked for a request's values, when and why, the oldest first.

        Raises:
            NotFound: nobody did.
        """
        context = reading_context(request_id)
        found = [
            ShownReading(one.at_ns, one.actor, one.outcome, self._text(one.sealed, context))
            for one in self._maps.readings(request_id)
        ]
        if not found:
            raise NotFound(f"Nobody asked for values of {request_id}.", param="request_id")
        return found

    def _text(self, sealed: bytes, context: bytes) -> str:
        try:
            return self._sealing.open(self._org, sealed, context).decode() if sealed else ""
        except ValueError:  # the key was destroyed: who and when stays
            return ""


def _put_back(text: str, values: Mapping[str, str]) -> str:
    for standing in sorted(values, key=len, reverse=True):
        text = text.replace(standing, values[standing])
    return text

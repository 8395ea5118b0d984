"""From the ledger to the store of leases: what is settled, who used what, who has ended.

The database commits first. Until the store has heard, it counts what was spent as leased still, so
it grants too little and never too much; what it didn't hear is said again, after a crash too.
"""

import time
from collections.abc import Collection
from typing import Final

from legato.core.errors import StorageUnavailable
from legato.core.leases import LimitKind
from legato.storage.limits.redis.books import Standing
from legato.storage.limits.redis.session import Session
from legato.storage.limits.redis.slices import is_based, named_window

_PAUSE_S: Final = 1.0
_COMPARED_EVERY_S: Final = 30.0
_DELETED_AT_ONCE: Final = 500
_AT_ONCE: Final = 500


class LedgerFeed:
    """For threads: the one that commits, and the one that attends."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._unheard: set[int] = set()
        self._ended: set[str] = set()
        self._pushed: dict[int, int] = {}
        self._epoch = ""
        self._away_until = 0.0
        self._compared_at = -_COMPARED_EVERY_S

    def posted(self, window_ids: Collection[int]) -> None:
        """Say how these stand now. Never fails: what isn't heard is said by `attend`."""
        if window_ids:
            with self._session.lock:
                self._unheard.update(window_ids)
                self._told()

    def finished(self, holder: str, window_ids: Collection[int]) -> None:
        """Say that a holder has ended, all of whose spend is in the ledger. Never fails."""
        with self._session.lock:
            self._unheard.update(window_ids)
            self._ended.add(holder)
            self._told()

    def attend(self) -> bool:
        """Say what was not heard, also by those who were killed; return whether leases are granted.

        Raises:
            StorageUnavailable: the store or the database is away.
        """
        session = self._session
        with session.lock:
            session.ready()
            granted = session.refresh()
            self._ended.update(session.books.undropped())
            self._say()
            if session.epoch != self._epoch or self._is_time():
                self._compare()
                self._epoch, self._compared_at = session.epoch, time.monotonic()
            self._delete_gone()
            return granted

    @property
    def waits_for(self) -> list[str]:
        """Return whose word is missing before leases are granted again."""
        return list(self._session.missing)

    def _is_time(self) -> bool:
        return time.monotonic() - self._compared_at >= _COMPARED_EVERY_S

    def _told(self) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            self._session.ready()
            self._say()
        except StorageUnavailable:
            # The ledger must not wait for the store: `attend` says it, and that it is away.
            self._away_until = time.monotonic() + _PAUSE_S

    def _say(self) -> None:
        if self._unheard and self._push(self._unheard, create=True):
            self._unheard.clear()
        for holder in list(self._ended):
            if self._drop(holder):
                self._ended.discard(holder)

    def _push(self, window_ids: Collection[int], *, create: bool) -> bool:
        ids = list(window_ids)
        for first in range(0, len(ids), _AT_ONCE):
            standings = self._session.books.standings_of(ids[first : first + _AT_ONCE])
            counted = [one for one in standings if is_based(one.window)]
            if not self._session.push(counted, create=create):
                return False
        return True

    def _drop(self, holder: str) -> bool:
        """Let the store forget a holder, after it has heard what that one spent."""
        session = self._session
        key = session.holder_key(holder)
        found = session.command("ZRANGE", key, 0, -1)
        windows = [str(one) for one in found] if isinstance(found, list) else []
        for window_key in windows:
            self._keep_count(holder, window_key)
        if not session.push(self._standings(windows), create=False):
            return False
        for window in windows:
            if not session.drop(holder, window):
                session.forget_epoch()
                return False
        session.command("DEL", key)
        session.command("SREM", session.enrolled_key, holder)
        session.books.dropped(holder)
        return True

    def _standings(self, window_keys: Collection[str]) -> list[Standing]:
        windows = [named_window(key) for key in window_keys]
        return self._session.books.standings([one for one in windows if is_based(one)])

    def _keep_count(self, holder: str, window_key: str) -> None:
        """Put what a holder used of a rate into the database: no ledger knows it.

        A crash before the store forgets it counts it twice, too much rather than too little.
        """
        window = named_window(window_key)
        if window.kind is LimitKind.RATE:
            taken = self._session.command("HGET", window_key, f"t:{holder}")
            if isinstance(taken, str) and int(taken) > 0:
                self._session.books.add_settled(window, int(taken))

    def _compare(self) -> None:
        """Say all that changed since it was said last: by others too, who may have been killed."""
        now = self._session.books.versions()
        if self._session.epoch != self._epoch:
            self._pushed = {}
        changed = [one for one, version in now.items() if self._pushed.get(one) != version]
        if self._push(changed, create=False):
            self._pushed = now
        self._session.books.forget_old()

    def _delete_gone(self) -> None:
        """Delete what earlier epochs left, a little at a time."""
        session = self._session
        epoch = session.command("SRANDMEMBER", session.gone_key)
        if not isinstance(epoch, str):
            return
        cursor, deleted = "0", 0
        while deleted < _DELETED_AT_ONCE:
            pattern = session.keys_of_epoch(epoch)
            answer = session.command("SCAN", cursor, "MATCH", pattern, "COUNT", 1_000)
            cursor, keys = answer if isinstance(answer, list) else ("0", [])
            if keys:
                session.command("UNLINK", *keys)
                deleted += len(keys)
            if str(cursor) == "0":
                session.command("SREM", session.gone_key, epoch)
                return

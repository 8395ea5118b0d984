"""Who grants leases: the database, or the store of `limits.store`; and who keeps that informed."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from legato.app.config.loaded import LoadedConfig
from legato.core.clock import Clock
from legato.core.errors import ConfigInvalid, LegatoError
from legato.core.leases import Leases
from legato.governance.store_gate import StoreGate
from legato.storage.limits.leases import LeaseStore
from legato.storage.limits.redis.books import LeaseBooks
from legato.storage.limits.redis.feed import LedgerFeed
from legato.storage.limits.redis.holds import LastingHolds
from legato.storage.limits.redis.leases import RedisLeases
from legato.storage.limits.redis.link import Link, StoreTerms
from legato.storage.limits.redis.session import Session

log = logging.getLogger(__name__)

_ATTEND_EVERY_S = 0.5
_TOLD = "The store of leases is away and what was leased is spent. Try again shortly."
_TOLD_DATABASE = "The database is away and what was leased is spent. Try again shortly."
GAUGE = "lease_store_workers"
# An engine is Any below: only storage knows what it is.


def store_terms(loaded: LoadedConfig) -> StoreTerms | None:
    """Return how the store is reached, None where the database grants leases."""
    said = loaded.config.limits.store
    if said is None:
        return None
    url = loaded.secret(said.url) or ""
    return StoreTerms(url, said.ca_file, said.prefix, said.timeout_s)


def require_store(loaded: LoadedConfig) -> None:
    """Load the store's client before anything forks, and see that its address can be read.

    Raises:
        ConfigInvalid: it can't, or the extra `redis` is not installed.
    """
    terms = store_terms(loaded)
    if terms is not None:
        Link(terms)


class WorkerLeases:
    """A worker's store of leases, the gate before it, and what it must do beside."""

    def __init__(self, loaded: LoadedConfig, engine: Any, clock: Clock) -> None:
        # threads of its own: a locked database must not keep the cache from its files
        threads = ThreadPoolExecutor(2, thread_name_prefix="leases")
        loop = asyncio.get_running_loop()

        async def in_thread(work: Callable[[], Any]) -> Any:
            return await loop.run_in_executor(threads, work)

        terms = store_terms(loaded)
        self._in_thread = in_thread
        self._redis: RedisLeases | None = None
        if terms is not None:
            self._redis = RedisLeases(Session(terms, LeaseBooks(engine)))
        self.store: Leases = self._redis or LeaseStore(engine)
        self.ask = StoreGate(in_thread, clock, _TOLD_DATABASE if terms is None else _TOLD)

    async def follow(self, gauge: Callable[[str, float], None]) -> None:
        """Say again what got no answer, and enrol where the store has forgotten: others wait."""
        redis = self._redis
        if redis is None:
            return
        alarm = _Alarm()
        while True:
            granted = False
            try:
                granted = await self._in_thread(redis.attend)
                alarm.told(granted, redis.waits_for)
            except LegatoError as error:
                alarm.away(error)
            gauge(GAUGE, float(granted))
            await asyncio.sleep(_ATTEND_EVERY_S)


class _Alarm:
    """Says once what is wrong, and once that it is over."""

    def __init__(self) -> None:
        self._state = "good"

    def told(self, granted: bool, waits_for: list[str]) -> None:  # noqa: FBT001 - the store's word
        if granted:
            if self._state != "good":
                log.warning("the store of leases grants again")
            self._state = "good"
        elif self._state != "closed":
            log.error(
                "the store of leases has lost its memory: it grants nothing until all processes "
                "have said what they have leased",
                extra={"missing": waits_for},
            )
            self._state = "closed"

    def away(self, error: LegatoError) -> None:
        if self._state != "away":
            log.error("the store of leases is away", extra={"reason": error.message})
        self._state = "away"


def ledger_feed(loaded: LoadedConfig, engine: Any) -> LedgerFeed | None:
    """Return what tells the store of the ledger, None where there is no store."""
    terms = store_terms(loaded)
    return None if terms is None else LedgerFeed(Session(terms, LeaseBooks(engine)))


def feed_thread(feed: LedgerFeed, stop: threading.Event) -> threading.Thread:
    """Return a thread that says what was not heard, until told to stop; not started."""
    return threading.Thread(target=_attend, args=(feed, stop), name="lease feed")


def _attend(feed: LedgerFeed, stop: threading.Event) -> None:
    alarm = _Alarm()
    while not stop.wait(_ATTEND_EVERY_S):
        try:
            alarm.told(feed.attend(), feed.waits_for)
        except LegatoError as error:
            alarm.away(error)
        except Exception:  # a defect must not end it: what has ended would never be dropped
            log.exception("the store of leases can't be told")


def lasting_leases(loaded: LoadedConfig, engine: Any) -> tuple[Leases, LedgerFeed | None]:
    """Return what batches take their holds from, and what the ledger tells of how they end."""
    terms = store_terms(loaded)
    if terms is None:
        return LeaseStore(engine), None
    session = Session(terms, LeaseBooks(engine), is_announced=False)
    return LastingHolds(session, engine), LedgerFeed(session)


def store_found(loaded: LoadedConfig) -> str:
    """Ask the store who it is.

    Raises:
        ConfigInvalid: its address can't be read.
        StorageUnavailable: it doesn't answer, or can't be used.
    """
    terms = store_terms(loaded)
    if terms is None:
        raise ConfigInvalid("limits.store: not configured")
    link = Link(terms)
    try:
        return f"reachable, version {link.open().version}"
    finally:
        link.close()

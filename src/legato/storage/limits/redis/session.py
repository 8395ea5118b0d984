"""Who talks to the store of leases, and since when it has not forgotten.

An *epoch* is a stretch in which the store lost nothing. Its name stands in the store and in the
names of all keys. Where the name is gone, or another server answers than the one that it was made
on, a new epoch begins with nothing: then every process says what it has (it *enrols*), and only
when all have done so that the database knows to live are leases granted again.
"""

import secrets
import threading
from collections.abc import Sequence
from typing import Final

from legato.core.clock import Clock, SystemClock
from legato.core.leases import LimitKind
from legato.storage.limits.limit_windows import LimitWindow
from legato.storage.limits.redis.books import LeaseBooks, Standing
from legato.storage.limits.redis.link import Answer, Link, StoreAway, StoreTerms
from legato.storage.limits.redis.scripts import BEGIN, DROP, ENROL, OPEN, PUSH, TELL
from legato.storage.limits.redis.slices import (
    SHORT_NS,
    Slice,
    Slices,
    indexed_us,
    is_based,
    kept_us,
    named_window,
    window_name,
)

_NS_PER_US: Final = 1_000
_ID_BYTES: Final = 8
_TRIES: Final = 5
_AT_ONCE: Final = 500
_RATES_LOST_S: Final = SHORT_NS / 1e9
"""Rates of a minute whose counts died with a process are refused until the minute is over."""


class Session:
    """One process's talk with the store. Hold `lock` for every method."""

    def __init__(
        self,
        terms: StoreTerms,
        books: LeaseBooks,
        clock: Clock | None = None,
        *,
        is_announced: bool = True,
    ) -> None:
        """`clock` is the store's own when none is given.

        The database knows holders that are announced, and all wait for their word when the store
        has lost its memory.

        Raises:
            ConfigInvalid: the extra `redis` is not installed, or the address can't be read.
        """
        self._is_announced = is_announced
        self.lock = threading.Lock()
        self.books = books
        self.slices = Slices()
        self.epoch = ""
        self.missing: list[str] = []
        self.epochs_begun = 0
        self._link = Link(terms)
        self._prefix = terms.prefix
        self._clock = clock
        self._system_now_ns = SystemClock().now_ns
        self._ahead_ns = 0
        self._base = ""
        self._seq = 0
        self._begun: set[str] = set()
        self._enrolled: set[str] = set()

    def now_ns(self) -> int:
        """Return the store's time, as near as is known."""
        if self._clock is not None:
            return self._clock.now_ns()
        return self._system_now_ns() + self._ahead_ns

    def heard(self, store_us: str) -> int:
        """Take the store's time from an answer; return it in ns."""
        if self._clock is not None:
            return self._clock.now_ns()
        at_ns = int(store_us) * _NS_PER_US
        self._ahead_ns = at_ns - self._system_now_ns()
        return at_ns

    @property
    def given_clock(self) -> str:
        """Return the time that scripts shall take, "" for the store's own."""
        return "" if self._clock is None else str(self._clock.now_ns() // _NS_PER_US)

    def next_seq(self) -> int:
        """Return the number of a word: later ones are higher."""
        self._seq += 1
        return self._seq

    def ready(self, holder: str | None = None) -> None:
        """Be connected, in an epoch, and with all holders enrolled.

        Raises:
            StorageUnavailable: the store or, where it is needed for this, the database is away.
        """
        if holder is not None:
            self.slices.add_holder(holder)
        if not self._base:
            self._base = f"{{{self._prefix}:{self.books.store_id()}}}"
        if not self._link.is_open:
            self._link.open()
            self._look()
        elif not self.epoch:
            self._look()
        if self._enrolled.issuperset(self.slices.holders):
            return
        for _ in range(_TRIES):
            if self._enrol():
                self.open()
                return
            self._look()
        raise StoreAway("it forgets all the time", may_have_arrived=False)

    def forget_epoch(self) -> None:
        """The store no longer knows the epoch: find out anew."""
        self.epoch = ""
        self._enrolled.clear()

    def begin_anew(self) -> None:
        """The store has lost what it had acknowledged: let nobody rely on the rest of it."""
        self._begin(self.epoch)
        self.forget_epoch()

    def refresh(self) -> bool:
        """Look whether the epoch is still the same; return whether leases are granted in it."""
        found, is_open = self._link.command("HMGET", self._epoch_key, "id", "open")
        if found != self.epoch:
            self.forget_epoch()
            self.ready()
            is_open = self._link.command("HGET", self._epoch_key, "open")
        if is_open != "1":
            return self.open()
        self.missing = []
        return True

    def open(self) -> bool:
        """Let leases be granted if all have enrolled who live; return whether they are."""
        living = self.books.living()
        lost = self.books.ended_within(_RATES_LOST_S)
        values: list[str | int] = [self.epoch, int(lost), self.given_clock, *living]
        answer = self.run(OPEN, [self._epoch_key, self._enrolled_key], values)
        self.missing = answer[1:] if answer[0] == "missing" else []
        return answer[0] == "ok"

    def push(self, standings: Sequence[Standing], *, create: bool) -> bool:
        """Tell the store what the ledger has of windows; return whether the epoch is the same."""
        calls = []
        for one in standings:
            used = [part for pair in one.used.items() for part in pair]
            window = one.window
            values = (self.epoch, one.version, one.settled, one.leased, kept_us(window))
            keys = [self._epoch_key, self.window_key(window), self.index_key(window)]
            said = (int(create), self.given_clock, indexed_us(window))
            calls.append((keys, (*values, *said, *used)))
        for first in range(0, len(calls), _AT_ONCE):
            answers = self._link.run_many(PUSH, calls[first : first + _AT_ONCE])
            if any(answer[0] == "epoch" for answer in answers):
                self.forget_epoch()
                return False
        return True

    def tell(self, holder: str, one: Slice, back: int = 0) -> Answer:
        """Say what a holder has of a window, less what it gives back. Raises StoreAway."""
        seq = self.next_seq()
        answer = self.run(TELL, *self._tell(holder, one, seq, back))
        if answer[0] == "ok":
            one.answered(seq, self.now_ns())
        return answer

    def drop(self, holder: str, window_key: str) -> bool:
        """Forget what a holder has of a window; return whether the epoch is still the same."""
        index = self.index_key(named_window(window_key))
        keys = [self._epoch_key, window_key, self.holder_key(holder), index]
        return self.run(DROP, keys, [self.epoch, holder])[0] != "epoch"

    def run(self, script: str, keys: Sequence[str], values: Sequence[str | int]) -> Answer:
        """Run a script. Raises StoreAway."""
        return self._link.run(script, keys, values)

    def command(self, *words: str | int) -> object:
        """Send a command that changes no counter. Raises StoreAway."""
        return self._link.command(*words)

    def window_key(self, window: LimitWindow) -> str:
        """Return the key of a window in this epoch."""
        return f"{self._base}:{self.epoch}:{window_name(window)}"

    def index_key(self, window: LimitWindow) -> str:
        """Return the key of what windows of the same limit have something leased."""
        return f"{self._base}:{self.epoch}:l:{window.kind.value}|{window.limit_id}"

    def holder_key(self, holder: str) -> str:
        """Return the key of what windows a holder has something of."""
        return f"{self._base}:{self.epoch}:h:{holder}"

    @property
    def epoch_key(self) -> str:
        """Return the key of the epoch."""
        return self._epoch_key

    @property
    def gone_key(self) -> str:
        """Return the key of the epochs whose keys are to be deleted."""
        return f"{self._base}:gone"

    def keys_of_epoch(self, epoch: str) -> str:
        """Return a pattern of all keys of an epoch."""
        return f"{self._base}:{epoch}:*"

    @property
    def enrolled_key(self) -> str:
        """Return the key of who has enrolled in this epoch."""
        return self._enrolled_key

    @property
    def _epoch_key(self) -> str:
        return f"{self._base}:epoch"

    @property
    def _enrolled_key(self) -> str:
        return f"{self._base}:{self.epoch}:enrolled"

    def _look(self) -> None:
        found = self._find_epoch()
        if found != self.epoch:
            self.epoch = found
            self._enrolled.clear()

    def _find_epoch(self) -> str:
        facts = self._link.facts
        run_id = "" if facts is None else facts.run_id
        for _ in range(_TRIES):
            found, run = self._link.command("HMGET", self._epoch_key, "id", "run")
            if found and run == run_id:
                return str(found)
            self._begin(found or "")
        raise StoreAway("it forgets all the time", may_have_arrived=False)

    def _begin(self, seen: str) -> None:
        run_id = "" if self._link.facts is None else self._link.facts.run_id
        new = secrets.token_hex(_ID_BYTES)
        if self.run(BEGIN, [self._epoch_key], [seen, new, run_id])[0] == new:
            self.epochs_begun += 1
            if seen:
                self._link.command("SADD", self.gone_key, seen)

    def _enrol(self) -> bool:
        """Say all that is held here; False where the epoch is no more."""
        for holder in self.slices.holders:
            if self._is_announced and holder not in self._begun:
                self.books.begin(holder)
                self._begun.add(holder)
        told = list(self.slices.every())
        seqs = [self.next_seq() for _ in told]
        calls = [
            self._tell(holder, one, seq, 0) for (holder, one), seq in zip(told, seqs, strict=True)
        ]
        for first in range(0, len(calls), _AT_ONCE):
            answers = self._link.run_many(TELL, calls[first : first + _AT_ONCE])
            if any(answer[0] == "epoch" for answer in answers):
                return False
        for (_, one), seq in zip(told, seqs, strict=True):
            one.answered(seq, self.now_ns())
        for holder in self.slices.holders:
            keys = [self._epoch_key, self._enrolled_key]
            if self.run(ENROL, keys, [self.epoch, holder])[0] == "epoch":
                return False
        self._enrolled = set(self.slices.holders)
        return True

    def _tell(
        self, holder: str, one: Slice, seq: int, back: int
    ) -> tuple[list[str], list[str | int]]:
        is_rate = one.window.kind is LimitKind.RATE and not is_based(one.window)
        window = one.window
        keys = [self._epoch_key, self.window_key(window)]
        keys += [self.holder_key(holder), self.index_key(window)]
        known = one.known(self.now_ns()) if holder in self._enrolled else 0
        return keys, [
            self.epoch,
            holder,
            seq,
            known,
            one.mine,
            back,
            kept_us(one.window),
            int(is_rate),
            self.given_clock,
            indexed_us(window),
        ]

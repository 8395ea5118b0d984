"""The exact cache: the same question of the same team, answered with the same bytes.

Memory holds the most recently used answers within a byte bound; logs on disk hold all of
them, sealed, shared by all workers and across restarts. A worker knows which keys are there
from an index that it follows in the background, so a miss never touches the disk.
The cache fails open: trouble is counted and the call is made.
"""

import asyncio
import logging
from array import array
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from legato.cache.answer_log import AnswerLog
from legato.core.clock import Clock
from legato.core.config_cache import Cache as CacheRules
from legato.core.tasks import InThread
from legato.core.usage import Usage

logger = logging.getLogger(__name__)

FOLLOW_S = 0.2
PENDING_MAX = 1_000
KEY_BYTES = 16
_PRUNE_ROUNDS = 300
_NS_PER_S = 1_000_000_000
_ENTRY_OVERHEAD_BYTES = 550
"""Measured with tracemalloc: key, facts, usage and their places in the order."""
_VOLATILE = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
"""Request fields that name the caller and can't change the answer."""


class CachedAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A complete answer as it went out, with what it had taken to get."""

    body: bytes
    frames: bool
    usage: Usage
    duration_us: int
    deployment: str
    model_served: str
    expires_ns: int
    fresh_ns: int = 0
    """Until then it is given to anybody, afterwards only where there is no other; 0: to its end."""


_encode_key = msgspec.msgpack.Encoder(order="sorted").encode  # JSON would look at each character
_encode_answer = msgspec.msgpack.Encoder().encode
_decode_answer = msgspec.msgpack.Decoder(CachedAnswer).decode


class Sealer(Protocol):
    """Encryption of what lies on disk."""

    def seal(self, data: bytes, context: bytes) -> bytes:
        """Encrypt, bound to a context."""
        ...

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError for anything altered or of another context."""
        ...


def cache_key(scope: bytes, surface: str, body: Mapping[str, Any]) -> bytes:
    """Return the key of a request: the scope and every field that can change the answer."""
    asked = {name: value for name, value in body.items() if name not in _VOLATILE}
    # SHA-256, since processors have instructions for it: a third of BLAKE2b's time on 2 KB
    told = b"%s\x00%s\x00%s" % (scope, surface.encode(), _encode_key(asked))
    return sha256(told).digest()[:KEY_BYTES]


class Places:
    """Where answers lie on disk, the newest `entries_max` of them at most.

    Two generations instead of an order: when the young one is full it becomes the old one, and
    what was old is forgotten.
    """

    def __init__(self, entries_max: int) -> None:
        self._generation_max = max(1, entries_max // 2)
        self._young = _PlaceTable(self._generation_max)
        self._old = _PlaceTable(0)

    def find(self, key: bytes) -> int | None:
        """Return a place. In theory it may be another key's: whoever reads there compares."""
        place = self._young.find(key)
        return self._old.find(key) if place is None else place

    def add(self, key: bytes, place: int) -> None:
        """Learn a place."""
        if self._young.taken >= self._generation_max:
            self._young, self._old = _PlaceTable(self._generation_max), self._young
        self._young.set(key, place)

    def forget(self, key: bytes) -> None:
        """Forget a place that turned out stale."""
        self._young.forget(key)
        self._old.forget(key)


class _PlaceTable:
    """A hash table with open addressing: 16 bytes a slot, where a dictionary takes 190 an entry.

    Slots are told apart by the first eight bytes of their keys, which are hashes already.
    """

    def __init__(self, entries_max: int) -> None:
        slots = 1 << max(1, (2 * entries_max).bit_length())
        self._mask = slots - 1
        self._marks = array("Q", bytes(8 * slots))
        self._places = array("Q", bytes(8 * slots))
        self.taken = 0

    def find(self, key: bytes) -> int | None:
        slot = self._slot(key)
        return self._places[slot] - 1 if self._marks[slot] and self._places[slot] else None

    def set(self, key: bytes, place: int) -> None:
        slot = self._slot(key)
        if not self._marks[slot]:
            self._marks[slot] = _mark(key)
            self.taken += 1
        self._places[slot] = place + 1

    def forget(self, key: bytes) -> None:
        slot = self._slot(key)
        if self._marks[slot]:
            self._places[slot] = 0  # the slot stays taken: those behind it must be found

    def _slot(self, key: bytes) -> int:
        """Return the slot of a key, or the free one where it would go."""
        mark, marks, mask = _mark(key), self._marks, self._mask
        slot = mark & mask
        while (found := marks[slot]) and found != mark:
            slot = (slot + 1) & mask
        return slot


def _mark(key: bytes) -> int:
    return int.from_bytes(key[:8], "little") or 1


class ExactCache:
    """One worker's view of the cache."""

    def __init__(
        self,
        rules: CacheRules,
        *,
        log: AnswerLog,
        sealer: Sealer,
        clock: Clock,
        in_thread: InThread,
    ) -> None:
        self._rules = rules
        self._log = log
        self._sealer = sealer
        self._now_ns = clock.now_ns
        self._in_thread = in_thread
        self._memory: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self._memory_bytes = 0
        self._memory_bytes_max = rules.memory_mib * 1024 * 1024
        self._places = Places(rules.entries_max)
        self._pending: list[tuple[bytes, CachedAnswer]] = []
        self.disk_failures = 0

    def peek(self, key: bytes) -> CachedAnswer | None:
        """Return an answer from memory."""
        answer = self._memory.get(key)
        if answer is None:
            return None
        now_ns = self._now_ns()
        if answer.expires_ns <= now_ns:
            self._drop(key)
            return None
        if answer.fresh_ns and answer.fresh_ns <= now_ns:
            return None
        self._memory.move_to_end(key)
        return answer

    def is_on_disk(self, key: bytes) -> bool:
        """Tell whether `fetch` may find this key; it may still have expired."""
        return self._places.find(key) is not None

    async def stale(self, key: bytes) -> CachedAnswer | None:
        """Return an answer that may be stale, from memory or disk."""
        answer = self._memory.get(key)
        if answer is not None and answer.expires_ns > self._now_ns():
            return answer
        return await self._read(key)

    async def fetch(self, key: bytes) -> CachedAnswer | None:
        """Return an answer from disk; None when it is gone, stale or can't be opened."""
        answer = await self._read(key)
        if answer is not None and answer.fresh_ns and answer.fresh_ns <= self._now_ns():
            return None
        return answer

    async def _read(self, key: bytes) -> CachedAnswer | None:
        place = self._places.find(key)
        if place is None:
            return None
        try:
            sealed = await self._in_thread(lambda: self._log.read(key, place))
            answer = None
            if sealed is not None:
                answer = _decode_answer(self._sealer.open(sealed, key))
        except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
            self._failed("read", error)
            return None
        if answer is None or answer.expires_ns <= self._now_ns():
            self._places.forget(key)
            return None
        self._keep(key, answer)
        return answer

    def put(self, key: bytes, answer: CachedAnswer) -> None:
        """Keep an answer: at once in memory, soon on disk."""
        if len(answer.body) > self._rules.entry_bytes_max:
            return
        self._keep(key, answer)
        if len(self._pending) < PENDING_MAX:
            self._pending.append((key, answer))

    def expires_ns(self, ttl_s: float) -> int:
        """Return when an answer stored now expires."""
        return self._now_ns() + int(ttl_s * _NS_PER_S)

    async def follow(self) -> None:
        """Write new answers to disk and learn what others have written, for ever."""
        rounds = 0
        while True:
            try:
                self._learn(await self._in_thread(self._flush_and_look))
                if rounds % _PRUNE_ROUNDS == 0:
                    await self._in_thread(lambda: self._log.prune(self._now_ns()))
            except OSError as error:
                self._failed("write", error)
            rounds += 1
            await asyncio.sleep(FOLLOW_S)

    def flush(self) -> None:
        """Write what is pending. Blocking.

        Raises:
            OSError: the disk refuses; these answers stay in memory only.
        """
        pending, self._pending = self._pending, []
        if pending:
            self._log.append(
                [
                    (key, answer.expires_ns, self._sealer.seal(_encode_answer(answer), key))
                    for key, answer in pending
                ]
            )

    def _flush_and_look(self) -> list[tuple[bytes, int, int]]:
        self.flush()
        return self._log.news()

    def _learn(self, news: list[tuple[bytes, int, int]]) -> None:
        now_ns = self._now_ns()
        for key, expires_ns, place in news:
            if expires_ns > now_ns:
                self._places.add(key, place)

    def _keep(self, key: bytes, answer: CachedAnswer) -> None:
        if key in self._memory:
            self._drop(key)
        self._memory[key] = answer
        self._memory_bytes += len(answer.body) + _ENTRY_OVERHEAD_BYTES
        while self._memory_bytes > self._memory_bytes_max:
            _, evicted = self._memory.popitem(last=False)
            self._memory_bytes -= len(evicted.body) + _ENTRY_OVERHEAD_BYTES

    def _drop(self, key: bytes) -> None:
        answer = self._memory.pop(key)
        self._memory_bytes -= len(answer.body) + _ENTRY_OVERHEAD_BYTES

    def _failed(self, doing: str, error: Exception) -> None:
        self.disk_failures += 1
        if self.disk_failures == 1:
            logger.warning(
                "the cache fails on disk, answers come from memory only",
                extra={"doing": doing, "reason": type(error).__name__},
            )

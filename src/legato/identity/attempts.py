"""How often strangers may begin to sign in: each attempt writes something before anybody is known.

Counted in memory, by the network that an attempt comes from; nothing of it is kept.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from legato.core.errors import RateLimited
from legato.core.networks import origin_of

_NS_PER_S: Final = 1_000_000_000
_BURST: Final = 120
_PER_S: Final = 2.0
_BURST_OF_ALL: Final = 600
_PER_S_OF_ALL: Final = 20.0
_ORIGINS_MAX: Final = 10_000


class Attempts:
    """Lets an office in at once from one network, and two a second from then on."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._by_origin: OrderedDict[str, _Bucket] = OrderedDict()
        self._all = _Bucket(_BURST_OF_ALL, _PER_S_OF_ALL)

    def count(self, address: str) -> None:
        """Count one in. Raises RateLimited where there were too many lately."""
        now_ns, origin = self._now_ns(), origin_of(address)
        bucket = self._by_origin.setdefault(origin, _Bucket(_BURST, _PER_S))
        self._by_origin.move_to_end(origin)
        if len(self._by_origin) > _ORIGINS_MAX:
            self._by_origin.popitem(last=False)
        wait_s = bucket.wait_s(now_ns) or self._all.wait_s(now_ns)
        if wait_s:
            msg = f"Too many sign-ins were begun from there: go on in {max(1, round(wait_s))} s."
            raise RateLimited(msg, retry_after_s=max(1.0, wait_s))
        bucket.left -= 1
        self._all.left -= 1


class _Bucket:
    __slots__ = ("_at_ns", "_full", "_per_s", "left")

    def __init__(self, full: float, per_s: float) -> None:
        self._full = self.left = full
        self._per_s = per_s
        self._at_ns = 0

    def wait_s(self, now_ns: int) -> float:
        passed_s = max(0, now_ns - self._at_ns) / _NS_PER_S
        self.left = min(self._full, self.left + passed_s * self._per_s)
        self._at_ns = now_ns
        return 0.0 if self.left >= 1 else (1 - self.left) / self._per_s

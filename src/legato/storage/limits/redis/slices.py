"""What one process has taken of each window, by its own count: what it tells the store again."""

from collections.abc import Iterator, Sequence
from typing import Final

from legato.core.leases import LEDGERED, LimitKind
from legato.storage.database.windows import FOREVER_NS
from legato.storage.limits.limit_windows import LimitWindow

_NS_PER_US: Final = 1_000
_NS_PER_S: Final = 1_000_000_000
ROLLING: Final = "rolling/"
SHORT_NS: Final = 120 * _NS_PER_S
_KNOWN_NS: Final = 12 * 3_600 * 1_000_000_000
"""An idle window's counter is forgotten after a day; for so long it is surely there."""
_LATE_NS: Final = 3_600 * 1_000_000_000
_Place = tuple[LimitKind, str, int]
"""Kind, limit and start of a window: budgets that changed theirs have two that begin at once."""


class Slice:
    """One holder's part of one window."""

    __slots__ = ("acked", "acked_at_ns", "mine", "unsure", "window")

    def __init__(self, window: LimitWindow) -> None:
        self.window = window
        self.mine = 0  # taken, less what was given back: what was spent is part of it
        self.acked = 0  # the number of the last word that was answered
        self.acked_at_ns = 0
        self.unsure = False  # a word got no answer: say it again

    def answered(self, seq: int, at_ns: int) -> None:
        """Note that the store has heard this."""
        self.acked, self.acked_at_ns, self.unsure = seq, at_ns, False

    def known(self, at_ns: int) -> int:
        """Return the number of the word that the store must have heard, 0 where it may not."""
        return self.acked if 0 <= at_ns - self.acked_at_ns < _KNOWN_NS else 0


class Slices:
    """All that this process has, of each of its holders."""

    def __init__(self) -> None:
        self._of: dict[str, dict[_Place, list[Slice]]] = {}

    @property
    def holders(self) -> list[str]:
        """Return who has something, or had."""
        return list(self._of)

    def add_holder(self, holder: str) -> None:
        """Know a holder, who has nothing yet."""
        self._of.setdefault(holder, {})

    def forget_holder(self, holder: str) -> None:
        """Forget all of a holder who is no more."""
        self._of.pop(holder, None)

    def slice(self, holder: str, window: LimitWindow) -> Slice:
        """Return what a holder has of a window."""
        place = (window.kind, window.limit_id, window.start_ns)
        here = self._of.setdefault(holder, {}).setdefault(place, [])
        found = next((one for one in here if one.window == window), None)
        if found is None:
            found = Slice(window)
            here.append(found)
        return found

    def starting(
        self, holder: str, kind: LimitKind, limit_id: str, start_ns: int
    ) -> Sequence[Slice]:
        """Return the parts of a limit's windows that begin then."""
        return self._of.get(holder, {}).get((kind, limit_id, start_ns), ())

    def every(self) -> Iterator[tuple[str, Slice]]:
        """Yield holder and part."""
        for holder, of in self._of.items():
            for here in of.values():
                for one in here:
                    yield holder, one

    def forget_ended(self, at_ns: int) -> None:
        """Forget windows that have ended long since, and nothings."""
        for of in self._of.values():
            for place, here in list(of.items()):
                here[:] = [one for one in here if not _is_over(one, at_ns)]
                if not here:
                    del of[place]


def _is_over(one: Slice, at_ns: int) -> bool:
    return kept_ns(one.window) < at_ns - _LATE_NS or not (one.mine or one.unsure)


def is_based(window: LimitWindow) -> bool:
    """Whether the database knows what is settled of it: by the ledger, or of those who ended.

    Requests of a minute are nobody's but the store's: they are over before it matters.
    """
    if window.kind is LimitKind.RATE:
        return kept_ns(window) - window.start_ns > SHORT_NS
    return window.kind in LEDGERED


def start_us(window: LimitWindow) -> int:
    """Return when it begins, as scripts want it."""
    return window.start_ns // _NS_PER_US


def end_us(window: LimitWindow) -> int:
    """Return when it ends, as scripts want it; 0 for never."""
    return 0 if window.end_ns == FOREVER_NS else window.end_ns // _NS_PER_US


def indexed_us(window: LimitWindow) -> int:
    """Return the same of what stands in its limit's index; -1 for what doesn't."""
    return end_us(window) if window.kind in LEDGERED else -1


def kept_ns(window: LimitWindow) -> int:
    """Return until when it counts: a part of a rolling window longer than it lasts."""
    if not window.span.startswith(ROLLING):
        return window.end_ns
    return window.end_ns + int(window.span.split("/")[1]) * _NS_PER_S


def kept_us(window: LimitWindow) -> int:
    """Return the same as scripts want it; 0 for always."""
    return 0 if window.end_ns == FOREVER_NS else kept_ns(window) // _NS_PER_US


def window_name(window: LimitWindow) -> str:
    """Return what its key ends with, and what `named_window` reads."""
    kind, limit_id, span, start_ns, end_ns = window
    return f"w:{kind.value}|{span}|{start_ns}|{end_ns}|{limit_id}"


def named_window(key: str) -> LimitWindow:
    """Return the window of a key."""
    kind, span, start_ns, end_ns, limit_id = key.partition(":w:")[2].split("|", 4)
    return LimitWindow(LimitKind(kind), limit_id, span, int(start_ns), int(end_ns))

"""Who is next where calls wait: by weight between tenants, by urgency within one.

Stride scheduling (Waldspurger and Weihl, 1995) at each level of organisation, team and key: who is
served moves on by one over its weight, and who has moved least is next. Who comes back after a
pause begins where the others are, so that nobody saves up (start-time fair queueing, Goyal, Vin
and Cheng, 1996). Where there is no room left the longest line loses its last (Suter et al., 1998).
"""

from bisect import insort
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Generic, Protocol, TypeVar

_IDLE_MAX: Final = 256
"""Parties without anybody waiting that are remembered before those long caught up are dropped."""
_LEVELS_OF_WEIGHT: Final = 2
_PART_MIN: Final = 1 / 16
_LEVELS: Final = 3


class Waiting(Protocol):
    """What waits: `path` is its organisation, team and key; a higher `rank` goes before."""

    path: tuple[str, ...]
    rank: float
    until_s: float
    order: int


Some = TypeVar("Some", bound=Waiting)


class _Party(Generic[Some]):
    """An organisation, a team or a key, and who of it waits."""

    __slots__ = ("clock", "count", "lines", "parts", "passed", "weight")

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.passed = self.clock = 0.0
        self.count = 0
        self.parts: dict[str, _Party[Some]] = {}
        self.lines: dict[float, list[Some]] = {}

    def busy(self) -> list["_Party[Some]"]:
        return sorted((one for one in self.parts.values() if one.count), key=_passed)

    def forget(self) -> None:
        """Drop those whom nothing is remembered of: the others have passed them."""
        gone = [name for name, one in self.parts.items() if not one.count]
        for name in gone:
            if self.parts[name].passed <= self.clock:
                del self.parts[name]


def _passed(party: "_Party[Some]") -> float:
    return party.passed


def _place(waiting: Waiting) -> tuple[float, int]:
    return waiting.until_s, waiting.order


class FairQueue(Generic[Some]):
    """Those who wait. `weights` names organisations (`acme`) and teams (`acme/search`)."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self.weights = weights
        self._root: _Party[Some] = _Party(1.0)

    def __len__(self) -> int:
        return self._root.count

    def __contains__(self, one: Some) -> bool:
        party: _Party[Some] | None = self._root
        for name in one.path:
            party = None if party is None else party.parts.get(name)
        return party is not None and any(one is each for each in party.lines.get(one.rank, ()))

    def weigh(self, weights: Mapping[str, int]) -> None:
        """Go by other weights."""
        self.weights = weights
        for org, party in self._root.parts.items():
            party.weight = self._weight((org,))
            for team, part in party.parts.items():
                part.weight = self._weight((org, team))

    def spread(self, part: Callable[[str], float]) -> float:
        """Weigh each organisation for the part of it that waits here; return what all weigh.

        The others of it wait in other lines, which weigh them likewise: so together they have its
        weight. A small part counts for a little more, lest one service be remembered for long.
        """
        total = 0.0
        for org, party in self._root.parts.items():
            if party.count:
                party.weight = self._weight((org,)) * max(part(org), _PART_MIN)
                total += party.weight
        return total

    def add(self, one: Some) -> None:
        """Let one wait."""
        party = self._root
        party.count += 1
        for depth, name in enumerate(one.path, 1):
            part = party.parts.get(name)
            if part is None:
                if len(party.parts) >= _IDLE_MAX:
                    party.forget()
                part = party.parts[name] = _Party(self._weight(one.path[:depth]))
            if not part.count:
                part.passed = max(part.passed, party.clock)
            part.count += 1
            party = part
        insort(party.lines.setdefault(one.rank, []), one, key=_place)

    def remove(self, one: Some) -> None:
        """Let one go who is not served."""
        party = self._root
        party.count -= 1
        for name in one.path:
            party = party.parts[name]
            party.count -= 1
        line = party.lines[one.rank]
        line.remove(one)
        if not line:
            del party.lines[one.rank]

    def serve(self, one: Some) -> None:
        """Take one out who is served, and count that for all it belongs to."""
        party = self._root
        for name in one.path:
            part = party.parts[name]
            party.clock = max(party.clock, part.passed)
            part.passed += 1.0 / part.weight
            party = part
        self.remove(one)

    def first(self, can: Callable[[Some], bool]) -> Some | None:
        """Return who is next of those that `can`; None where nobody can.

        Of a key only the first of each rank is asked: what is hard to place isn't passed by.
        """
        return next((one for one in self._heads(self._root) if can(one)), None)

    def _heads(self, party: _Party[Some]) -> Iterator[Some]:
        for part in party.busy():
            yield from self._heads(part)
        for rank in sorted(party.lines, reverse=True):
            yield party.lines[rank][0]

    def last(self, comer: Some | None = None) -> Some:
        """Return who has to go where there is one too many; `comer`, if anybody, came last.

        It is the least urgent of whoever has most waiting for its weight.
        """
        party = self._root
        for name in (None,) * _LEVELS if comer is None else comer.path:
            own = None if name is None else party.parts.get(name)
            most = max(one.count / one.weight for one in party.parts.values())
            crowded = [one for one in party.busy() if one.count / one.weight == most]
            party = own if own is not None and own in crowded else crowded[0]
        return party.lines[min(party.lines)][-1]

    def _weight(self, path: tuple[str, ...]) -> float:
        if len(path) > _LEVELS_OF_WEIGHT:
            return 1.0
        return float(self.weights.get("/".join(path), 1))

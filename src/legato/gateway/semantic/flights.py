"""Questions under way: who asks the same waits for the first one's answer instead of paying twice.

One worker's. A flight carries no answer: whoever waited looks into the caches again, so what they
say of partitions, times and bounds holds for followers, too.
"""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from legato.gateway.looked import Flight

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLIGHTS_MAX = 10_000
"""Beyond these nobody waits."""
NEAR_MAX = 64
"""So many questions of one partition are compared at most: the last ones."""
_ROWS_FIRST = 4


class _Beside:
    """The flights of one partition, with their vectors as rows of one array."""

    def __init__(self, dimensions: int) -> None:
        self.flights: list[Flight] = []
        self._rows: NDArray[np.float32] = np.empty((_ROWS_FIRST, dimensions), np.float32)
        self._oldest = 0

    def add(self, flight: Flight) -> None:
        place = len(self.flights)
        if place == NEAR_MAX:
            place, self._oldest = self._oldest, (self._oldest + 1) % NEAR_MAX
            self.flights[place] = flight
        else:
            if place == len(self._rows):
                self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
            self.flights.append(flight)
        self._rows[place] = flight.vector

    def remove(self, flight: Flight) -> None:
        """Take one away; the last one takes its place."""
        if flight in self.flights:  # else newer ones took its place
            place, last = self.flights.index(flight), self.flights.pop()
            if last is not flight:
                self.flights[place] = last
                self._rows[place] = self._rows[len(self.flights)]

    def near(self, vector: "NDArray[np.float32]") -> Iterator[tuple[Flight, float]]:
        similar = self._rows[: len(self.flights)] @ vector
        for _ in range(len(similar)):
            place = int(similar.argmax())
            yield self.flights[place], float(similar[place])
            similar[place] = -np.inf


class Flights:
    """Those of one worker."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, Flight] = {}
        self._by_partition: dict[bytes, _Beside] = {}
        self.waiting = 0

    def same(self, key: bytes) -> Flight | None:
        """Return the flight of the very same request."""
        return self._by_key.get(key)

    def near(
        self, partition: bytes, vector: "NDArray[np.float32]"
    ) -> Iterator[tuple[Flight, float]]:
        """Yield the flights within a partition with their similarity, the nearest first.

        For one look: what takes off or lands in between isn't seen.
        """
        beside = self._by_partition.get(partition)
        return iter(()) if beside is None else beside.near(vector)

    def begin(self, key: bytes, partition: bytes, vector: Any, question: Any) -> Flight | None:
        """Take off, so that others can wait; None where there are too many."""
        if len(self._by_key) >= FLIGHTS_MAX or key in self._by_key:
            return None
        flight = Flight(key, partition, vector, question, asyncio.Event())
        self._by_key[key] = flight
        if partition:
            beside = self._by_partition.get(partition)
            if beside is None:
                beside = self._by_partition[partition] = _Beside(len(vector))
            beside.add(flight)
        return flight

    def end(self, flight: Flight) -> None:
        """Land, however it went: all who wait go on."""
        if self._by_key.get(flight.key) is not flight:
            return
        del self._by_key[flight.key]
        beside = self._by_partition.get(flight.partition)
        if beside is not None:
            beside.remove(flight)
            if not beside.flights:
                del self._by_partition[flight.partition]
        flight.landed.set()

    async def wait(self, flight: Flight, within_s: float) -> bool:
        """Wait until it lands; false where that takes too long."""
        self.waiting += 1
        try:
            async with asyncio.timeout(within_s):
                await flight.landed.wait()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        return True

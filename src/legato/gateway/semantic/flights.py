"""Questions under way: who asks the same waits for the first one's answer instead of paying twice.

One worker's. A flight carries no answer: whoever waited looks into the caches again, so what they
say of partitions, times and bounds holds for followers, too.
"""

import asyncio
from typing import Any

from legato.gateway.looked import Flight

FLIGHTS_MAX = 10_000
"""Beyond these nobody waits."""
NEAR_MAX = 64
"""So many questions of one partition are compared at most."""


class Flights:
    """Those of one worker."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, Flight] = {}
        self._by_partition: dict[bytes, list[Flight]] = {}
        self.waiting = 0

    def same(self, key: bytes) -> Flight | None:
        """Return the flight of the very same request."""
        return self._by_key.get(key)

    def near(self, partition: bytes) -> list[Flight]:
        """Return the flights within a partition, the newest first."""
        return self._by_partition.get(partition, [])[: -NEAR_MAX - 1 : -1]

    def begin(self, key: bytes, partition: bytes, vector: Any, question: Any) -> Flight | None:
        """Take off, so that others can wait; None where there are too many."""
        if len(self._by_key) >= FLIGHTS_MAX or key in self._by_key:
            return None
        flight = Flight(key, partition, vector, question, asyncio.Event())
        self._by_key[key] = flight
        if partition:
            self._by_partition.setdefault(partition, []).append(flight)
        return flight

    def end(self, flight: Flight) -> None:
        """Land, however it went: all who wait go on."""
        if self._by_key.get(flight.key) is not flight:
            return
        del self._by_key[flight.key]
        beside = self._by_partition.get(flight.partition)
        if beside is not None:
            beside.remove(flight)
            if not beside:
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

"""Room for entries: so many bytes in all, and whoever holds the most gives first.

So one tenant can use what nobody else needs, and can't push out another that holds less.
"""

from legato.cache.semantic.worth import Worth


class Bounds:
    """What each organisation holds, and which entry has to go."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self._by_org: dict[str, Worth] = {}

    def held_by(self, org: str) -> int:
        """Return the bytes of an organisation's entries."""
        worth = self._by_org.get(org)
        return 0 if worth is None else worth.bytes

    def add(self, org: str, entry_id: str, *, cost: int | None, size: int) -> None:
        """Count an entry that is new."""
        worth = self._by_org.setdefault(org, Worth())
        worth.put(entry_id, hits=0, cost=cost, size=size)
        worth.bytes += size
        self.bytes += size

    def used(self, org: str, entry_id: str, *, hits: int, cost: int | None, size: int) -> None:
        """Say that an entry has been of use."""
        self._by_org[org].put(entry_id, hits=hits, cost=cost, size=size)

    def remove(self, org: str, entry_id: str, size: int) -> None:
        """Take an entry away that was counted."""
        worth = self._by_org[org]
        worth.drop(entry_id)
        worth.bytes -= size
        self.bytes -= size
        if not len(worth):
            del self._by_org[org]

    def next_to_go(self, slack: float = 0.0) -> str | None:
        """Return an entry that has to go, None while there is room (and `slack` of it more)."""
        if self.bytes <= self.bytes_max * (1.0 + slack):
            return None
        most = max(self._by_org.values(), key=lambda worth: worth.bytes)
        return most.least()

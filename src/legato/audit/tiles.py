"""Names of tiles and bundles, and what is in them: https://c2sp.org/tlog-tiles."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

LEVEL_HEIGHT: Final = 8
TILE_WIDTH: Final = 256
LEVEL_MAX: Final = 5
ENTRIES: Final = "entries"
_LENGTH_BYTES: Final = 2
_PLACE: Final = re.compile(r"((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


class Tile(msgspec.Struct, frozen=True):
    """`width` hashes of a level from place * 256 on; of a bundle, so many events."""

    level: int
    place: int
    width: int = TILE_WIDTH

    def path(self, *, entries: bool = False) -> str:
        """Return its name: `tile/0/x001/067.p/8`, or `tile/entries/...`."""
        groups, rest = [f"{self.place % 1000:03d}"], self.place // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        level = ENTRIES if entries else str(self.level)
        return f"tile/{level}/{'/'.join(reversed(groups))}{part}"


def tile_of(level: str, place: str) -> Tile:
    """Read a level (or `entries`) and a place as they stand in a path.

    Raises:
        ValueError: they name none.
    """
    number = 0 if level == ENTRIES else int(level) if level in _LEVELS else -1
    found = _PLACE.fullmatch(place)
    width = TILE_WIDTH if found is None or found[2] is None else int(found[2])
    if number < 0 or found is None or (found[2] is not None and width >= TILE_WIDTH):
        msg = "tiles are named tile/LEVEL/PLACE[.p/WIDTH], as tile/0/x001/067.p/8"
        raise ValueError(msg)
    return Tile(number, int(found[1].replace("/", "").replace("x", "")), width)


_LEVELS: Final = frozenset(str(level) for level in range(LEVEL_MAX + 1))


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles of all levels that a log of size `new` has and one of size `old` hadn't."""
    for level in range(LEVEL_MAX + 1):
        before, after = old >> level * LEVEL_HEIGHT, new >> level * LEVEL_HEIGHT
        if after == before:
            return
        for place in range(before // TILE_WIDTH, -(-after // TILE_WIDTH)):
            yield Tile(level, place, min(TILE_WIDTH, after - place * TILE_WIDTH))


def bundled(bundle: bytes) -> list[bytes]:
    """Return the events of a bundle. Raises ValueError where it is cut off."""
    leaves = begun(bundle)
    if sum(map(len, leaves)) + _LENGTH_BYTES * len(leaves) != len(bundle):
        msg = "a bundle of events is cut off"
        raise ValueError(msg)
    return leaves


def begun(bundle: bytes) -> list[bytes]:
    """Return the whole events of a bundle, up to where it is cut off."""
    leaves, at = [], 0
    while at < len(bundle):
        end = at + _LENGTH_BYTES + int.from_bytes(bundle[at : at + _LENGTH_BYTES])
        if end > len(bundle):
            break
        leaves.append(bundle[at + _LENGTH_BYTES : end])
        at = end
    return leaves

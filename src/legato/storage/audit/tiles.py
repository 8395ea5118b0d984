"""The audit log as tiles that others mirror: C2SP's tlog-tiles, https://c2sp.org/tlog-tiles.

A tile of level L holds up to 256 hashes of height 8 L; a bundle up to 256 events, each behind its
length in two bytes. Both are made of what appending kept: a full one never changes.
"""

from typing import Final

from sqlalchemy import Engine, select

from legato.audit.merkle import HASH_BYTES
from legato.audit.tiles import LEVEL_HEIGHT, TILE_WIDTH, Tile
from legato.core.errors import NotFound
from legato.storage.audit.log import read_head
from legato.storage.database.engine import reading
from legato.storage.tables.audit import audit_event

_table: Final = audit_event.c


class LogTiles:
    """Of the whole log: the instance's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def hashes(self, tile: Tile) -> bytes:
        """Return the hashes of a tile in a row.

        Raises:
            NotFound: the log isn't that large.
            ValueError: the log is damaged.
        """
        height = tile.level * LEVEL_HEIGHT
        first = tile.place * TILE_WIDTH
        with reading(self._engine) as connection:
            _require(read_head(connection).size >> height, tile)
            numbers = [((first + at + 1) << height) - 1 for at in range(tile.width)]
            wanted = select(_table.number, _table.nodes).where(_table.number.in_(numbers))
            nodes = {row.number: bytes(row.nodes) for row in connection.execute(wanted)}
        start = height * HASH_BYTES
        found = b"".join(nodes.get(one, b"")[start : start + HASH_BYTES] for one in numbers)
        if len(found) != tile.width * HASH_BYTES:
            msg = "the audit log is damaged: run `legato audit verify`"
            raise ValueError(msg)
        return found

    def events(self, tile: Tile) -> bytes:
        """Return the bundle of the events under a tile of level 0. Raises as `hashes`."""
        first = tile.place * TILE_WIDTH
        wanted = (
            select(_table.leaf)
            .where(_table.number >= first, _table.number < first + tile.width)
            .order_by(_table.number)
        )
        with reading(self._engine) as connection:
            _require(read_head(connection).size, tile)
            leaves = [bytes(leaf) for leaf in connection.execute(wanted).scalars()]
        return b"".join(len(leaf).to_bytes(2) + leaf for leaf in leaves)


def _require(there: int, tile: Tile) -> None:
    if tile.place * TILE_WIDTH + tile.width > there:
        raise NotFound("the audit log hasn't grown to this tile yet", param="tile")

"""Tiles: their names, what a log that grew has of new ones, and bundles."""

import pytest

from legato.audit.tiles import Tile, bundled, tile_of, tiles_between


@pytest.mark.parametrize(
    ("level", "place", "tile"),
    [
        ("0", "000", Tile(0, 0)),
        ("0", "x001/067", Tile(0, 1067)),
        ("2", "x001/x234/067.p/8", Tile(2, 1_234_067, 8)),
        ("entries", "999.p/255", Tile(0, 999, 255)),
    ],
)
def test_names_are_read_as_they_are_written(level: str, place: str, tile: Tile) -> None:
    assert tile_of(level, place) == tile
    assert tile.path(entries=level == "entries") == f"tile/{level}/{place}"


@pytest.mark.parametrize(
    ("level", "place"),
    [("6", "000"), ("x", "000"), ("0", "0"), ("0", "000.p/0"), ("0", "000.p/256"), ("0", "../000"),
     ("0", "001/000"), ("-1", "000")],
)  # fmt: skip
def test_what_names_no_tile_is_refused(level: str, place: str) -> None:
    with pytest.raises(ValueError, match="tiles are named"):
        tile_of(level, place)


def test_a_log_that_grew_has_these_new_ones() -> None:
    assert list(tiles_between(0, 0)) == []
    assert list(tiles_between(0, 3)) == [Tile(0, 0, 3)]
    assert list(tiles_between(3, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    grown = list(tiles_between(255, 70_000))
    assert grown[0] == Tile(0, 0)
    assert grown[-3:] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert sum(one.width for one in grown if one.level == 0) == 70_000


def test_bundles_are_taken_apart() -> None:
    assert bundled(b"\x00\x01a\x00\x02bc") == [b"a", b"bc"]
    with pytest.raises(ValueError, match="cut off"):
        bundled(b"\x00\x05a")

"""Detectors in processes of their own: what they find, and what becomes of those that hang."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from legato.core.errors import DetectorFailed
from legato.core.guarding import Piece
from legato.detectors.pool import PooledDetector, ProcessPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KIND = """
import sys, time

class Detector:
    name, labels = "odd", frozenset({"ODD"})

    def __init__(self, settings):
        print("loaded", settings)

    def find(self, text, place):
        from legato.core.guarding import Finding
        print(text)
        if text == "hang":
            time.sleep(60)
        if text == "crash":
            raise ValueError(text)
        if text == "die":
            sys.stdout = None
            import os
            os._exit(3)
        at = text.find("odd")
        return [Finding("ODD", at, at + 3, 0.5)] if at >= 0 else []


class Kind:
    labels, quick = frozenset({"ODD"}), True

    def __call__(self, settings):
        return Detector(settings)


KIND = Kind()
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package beside Legato with an entry point, as pip would leave it."""
    (tmp_path / "odd_detector.py").write_text(KIND)
    info = tmp_path / "odd_detector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-detector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[legato.detectors]\nodd = odd_detector:KIND\n")
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *filter(None, sys.path)]))


@asynccontextmanager
async def pooled(size: int = 1) -> AsyncIterator[PooledDetector]:
    pool = ProcessPool(size)
    await pool.warm([("odd", {})])
    try:
        yield PooledDetector("mine", frozenset({"ODD"}), pool, kind="odd", settings={})
    finally:
        await pool.close()


@pytest.mark.usefixtures("installed")
async def test_a_package_s_detector_finds_from_its_own_process() -> None:
    async with pooled() as detector:
        found = await detector.find_all([Piece("an odd é", "/a"), Piece("even", "/b")])
    assert [[(one.label, one.start, one.detector) for one in some] for some in found] == [
        [("ODD", 3, "mine")],
        [],
    ]


@pytest.mark.usefixtures("installed")
async def test_one_that_crashes_fails_its_request_alone() -> None:
    async with pooled() as detector:
        with pytest.raises(DetectorFailed, match="ValueError"):
            await detector.find_all([Piece("crash", "/a")])
        assert await detector.find_all([Piece("odd", "/a")])
        with pytest.raises(DetectorFailed, match="process ended"):
            await detector.find_all([Piece("die", "/a")])
        assert await detector.find_all([Piece("odd", "/a")])


@pytest.mark.usefixtures("installed")
async def test_one_that_hangs_is_ended_and_another_serves() -> None:
    async with pooled() as detector:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(detector.find_all([Piece("hang", "/a")]), 0.2)
        assert await asyncio.wait_for(detector.find_all([Piece("odd", "/a")]), 30)


async def test_a_kind_that_is_not_installed_fails() -> None:
    pool = ProcessPool(1)
    try:
        detector = PooledDetector("x", frozenset(), pool, kind="absent", settings={})
        with pytest.raises(DetectorFailed, match="ConfigInvalid"):
            await detector.find_all([Piece("a", "/a")])
    finally:
        await pool.close()

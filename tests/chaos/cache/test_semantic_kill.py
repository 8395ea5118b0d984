"""`kill -9` of a worker that keeps entries: what was written is there, what was purged isn't."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy")

from legato.core.semantic_records import Selection
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade

from .keep_forever import opened

pytestmark = pytest.mark.chaos
PROGRAM = Path(__file__).parent / "keep_forever.py"


async def test_what_was_written_outlives_every_kill(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'legato.db'}"
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    kept: set[str] = set()
    gone: set[str] = set()
    for killed_after_lines in (1, 3, 7, 12):
        for line in lines_before_kill(url, killed_after_lines):
            *written, purged = line.split()
            kept.update(written)
            gone.add(purged)
    index = opened(url)
    following = asyncio.ensure_future(index.follow())
    async with asyncio.timeout(30):
        while not kept <= {one.id for one in index.entries()}:
            await asyncio.sleep(0.1)
    assert index.failures == 0
    assert not gone & {one.id for one in index.entries()}
    index.forget(Selection(org="acme"))
    index.flush()
    following.cancel()
    restarted = opened(url)
    following = asyncio.ensure_future(restarted.follow())
    await asyncio.sleep(2)
    following.cancel()
    assert len(restarted) == 0


def lines_before_kill(url: str, count: int) -> list[str]:
    command = [sys.executable, str(PROGRAM), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        process.send_signal(signal.SIGKILL)
    return [line for line in lines if line.endswith("\n")]

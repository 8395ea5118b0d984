"""Case 37: a disk with no room for the audit log. What can't be recorded isn't done."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from .instance import SOURCE
from .load import Ask, Load
from .requests import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import MakeInstance, Say
    from .instance import Instance

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

BLOCK = b"\0" * 65_536


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount command")
    command = [mount, "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def asked(instance: Instance, method: str, path: str, body: dict[str, Any] | None = None) -> int:
    """Ask the control API as the administrator; return the status."""
    line = HTTPConnection("127.0.0.1", instance.port, timeout=60)
    headers = {
        "authorization": f"Bearer {instance.secret('admin')}",
        "content-type": "application/json",
    }
    line.request(method, path, None if body is None else json.dumps(body), headers)
    status = line.getresponse().status
    line.close()
    return status


def audited(instance: Instance, *words: str) -> str:
    command = [sys.executable, "-m", "legato", "audit", *words, "--data", str(instance.data)]
    environment = {"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


async def test_case_37_no_room_for_the_log_refuses_acts_and_calls(
    instance_of: MakeInstance, small_disk: Path, say: Say
) -> None:
    instance = instance_of(
        journal={"segment_mib": 1}, audit={"seal_every_s": 1}, cache={"enabled": False}
    )
    instance.data.symlink_to(small_disk)
    instance.start()
    made = [f"before-{number}" for number in range(3)]
    for name in made:
        assert asked(instance, "POST", "/api/v1/organisations", {"name": name}) == 201
    before = Load(instance)
    await before.run([Ask(f"before {number}") for number in range(20)])
    assert all(seen.complete for seen in before.seen)
    filler = small_disk / "filler"
    _fill(filler)

    acts = [
        asked(instance, "POST", "/api/v1/organisations", {"name": f"full-{number}"})
        for number in range(20)
    ]
    reads = [asked(instance, "GET", "/api/v1/feedback") for _ in range(5)]
    assert set(acts) | set(reads) == {503}
    flood = Load(instance, callers=16)
    await flood.run(
        (Ask(f"flood {number}") for number in range(20_000)),
        until=lambda: any(seen.status == 503 for seen in flood.seen[-16:]),
    )
    _fill(filler)
    refused = Load(instance, callers=8)
    await refused.run([Ask(f"refused {number}") for number in range(50)])
    # one may fit into what the journal has already taken of the disk: then it stands there
    assert 503 in {seen.status for seen in refused.seen} <= {200, 503}

    filler.unlink()
    again = "/api/v1/organisations"
    assert await until(lambda: asked(instance, "POST", again, {"name": "after"}) in {201, 409})
    after = await _recovered(instance)
    instance.stop_drained()
    lines = audited(instance, "list", "--action", "organisation.create", "--json", "-n", "1000")
    events = [json.loads(line)["details"]["name"] for line in lines.splitlines()]
    assert set(events) >= {*made, "after"}
    assert not [name for name in events if name.startswith("full-")]
    told = json.loads(audited(instance, "verify", "--json"))
    assert told["whole"]
    calls = [*before.seen, *flood.seen, *refused.seen, *after.seen]
    answered = sum(seen.complete for seen in calls)
    assert told["segments"]["kinds"]["ledger"]["records"] >= answered
    assert "Traceback" not in instance.log.read_text()
    say(f"full after {len(flood.seen)} more calls; {answered} answered, all of them sealed")


async def _recovered(instance: Instance) -> Load:
    """Wait until all workers take calls again: the ledger has to catch up first."""
    for number in range(300):
        after = Load(instance)
        await after.run([Ask(f"after {number} {one}") for one in range(20)])
        if all(seen.complete for seen in after.seen):
            return after
        await asyncio.sleep(0.1)
    pytest.fail("no call is taken, though there is room again")


def _fill(file: Path) -> None:
    """Leave not a byte."""
    try:
        with file.open("ab", buffering=0) as stream:
            while True:
                stream.write(BLOCK)
    except OSError:
        pass
    try:
        with file.open("ab", buffering=0) as stream:
            while True:
                stream.write(b"\0" * 512)
    except OSError:
        pass

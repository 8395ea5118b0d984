"""Who follows the README gets a first call through: its own blocks, run in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (Path(__file__).parents[2] / "README.md").read_text()
BIN = Path(sys.executable).parent
READY = re.compile(r"ready at (http://\S+)")
START_S = 60.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def clean() -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEGATO_")}


def shell(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**clean(), "PATH": f"{BIN}:{os.environ['PATH']}", **more}
    return subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,  # a small model that rambles, on a busy machine
        check=False,
    )


@contextmanager
def running(command: str, folder: Path) -> Iterator[str]:
    """Run what the README starts the server with, on a free port; yield its URL."""
    said = folder / "said"
    environment = {**clean(), "LEGATO_SERVER__PORT": "0"}
    with said.open("wb") as output:
        server = subprocess.Popen(
            [str(BIN / "legato"), *command.split()[1:]], cwd=folder, env=environment, stderr=output
        )
    try:
        until_s = time.monotonic() + START_S
        while not (found := READY.search(said.read_text())):
            assert server.poll() is None, said.read_text()
            assert time.monotonic() < until_s, said.read_text()
            time.sleep(0.1)
        yield found[1]
    finally:
        server.terminate()
        server.wait(60)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_newcomer_gets_a_first_call_through(tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(blocks("yaml")[0])
    steps = blocks("sh")
    pull, start = next(step for step in steps if "local pull" in step).splitlines()
    pulled = shell(pull, tmp_path)
    if pulled.returncode:
        pytest.skip(f"the model's weights can't be had here: {pulled.stderr.strip()[-200:]}")
    with running(start, tmp_path) as url:
        create = next(step for step in steps if "keys create" in step)
        created = shell(create, tmp_path)
        secret = re.findall(r"^secret +(\S+)", created.stdout, re.MULTILINE)[0]
        call = next(step for step in steps if "curl" in step)
        call = call.replace("lg-...", secret).replace("http://127.0.0.1:8790", url)
        first, again = shell(call, tmp_path).stdout, shell(call, tmp_path).stdout
        assert "HTTP/1.1 200" in first
        assert "x-legato-cache: miss" in first
        assert "x-legato-cache: hit" in again
        assert "x-legato-cost-usd: 0.000000000" in again
        for program in blocks("python"):
            (tmp_path / "call.py").write_text(program.replace("http://127.0.0.1:8790", url))
            done = shell("python call.py", tmp_path, LEGATO_KEY=secret)
            assert done.returncode == 0, done.stderr
            assert done.stdout.strip()
        time.sleep(1.5)  # the ledger follows within a second
        books = next(step for step in steps if "ledger tail" in step)
        shown = shell(books, tmp_path)
        assert shown.returncode == 0, shown.stderr
        assert "cache" in shown.stdout
        assert shown.stdout.count("smollm") == len(blocks("python")) + 2

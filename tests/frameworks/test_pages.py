"""Each framework's page, run as it stands in that framework's own environment, twice: in front of a
provider that speaks OpenAI's dialect and of one that doesn't.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.settings import SimulatedSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(Path(__file__).parents[1] / "e2e" / "gateway"))
from running import CALLER, RunningLegato, within

ROOT = Path(__file__).parents[2]

PAGES = {page.stem: page.read_text() for page in (ROOT / "docs/how-to/frameworks").glob("*.md")}
ENVIRONMENTS = ROOT / ".make/frameworks"
LOCKED = ROOT / "requirements/frameworks"
LOCKS = {lock.stem for lock in LOCKED.glob("*.txt")}
NODE_LOCKS = {lock.parent.name for lock in LOCKED.glob("*/package-lock.json")}
ADDRESS = "http://127.0.0.1:8790"
MARK = "--- block"
# Any question with tools on offer is answered with a call of the first.
ANSWERS = SimulatedSettings(seed=1, tool_call_marker="")
BASE_URLS = {"openai_compatible": "UPSTREAM/v1", "anthropic": "UPSTREAM"}
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: vendor, kind: KIND, base_url: "BASE_URL", api_key: {env: CALLER_KEY}}
deployments:
  - {name: chat, provider: vendor, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
pytestmark = pytest.mark.frameworks


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedChild]:
    child = SimulatedChild(tmp_path_factory.mktemp("upstream"), ANSWERS)
    yield child
    assert child.stop() == 0


@pytest.fixture(scope="module", params=BASE_URLS)
def legato(
    request: pytest.FixtureRequest,
    upstream: SimulatedChild,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    base_url = BASE_URLS[request.param].replace("UPSTREAM", upstream.url)
    config = CONFIG.replace("KIND", request.param).replace("BASE_URL", base_url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@dataclass(frozen=True, slots=True)
class Language:
    fence: str
    suffix: str
    mark: str

    def blocks(self, page: str) -> list[str]:
        return re.findall(rf"^```{self.fence}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


PYTHON = Language("python", ".py", f'print("{MARK}", flush=True)')
NODE = Language("js", ".mjs", f'console.log("{MARK}");')


def entries(legato: RunningLegato) -> int:
    (row,) = legato.query("SELECT count(*) AS entries FROM ledger_entry")
    return int(row["entries"])


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_runs_as_it_stands(legato: RunningLegato, tmp_path: Path, name: str) -> None:
    environment = ENVIRONMENTS / name
    if not (environment / "installed").exists():
        pytest.skip("its environment is made by `make frameworks`")
    language = NODE if name in NODE_LOCKS else PYTHON
    before = entries(legato)
    first, *steps = language.blocks(PAGES[name])
    program = (tmp_path / "page").with_suffix(language.suffix)
    marked = [first, *(f"{language.mark}\n{step}" for step in steps)]
    program.write_text("\n".join(marked).replace(ADDRESS, legato.url))
    interpreter = str(environment / "venv/bin/python")
    if language is NODE:  # which looks for packages beside the program
        (tmp_path / "node_modules").symlink_to(environment / "node_modules")
        interpreter = shutil.which("node") or "node"
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG"}}
    done = subprocess.run(
        [interpreter, str(program)],
        cwd=tmp_path,
        env=kept | {"LEGATO_KEY": CALLER, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    said = done.stdout.split(f"{MARK}\n")[1:]
    assert len(said) == len(steps) >= 4
    assert all(text.strip() for text in said), said
    assert within(10, lambda: entries(legato) - before >= len(steps))
    assert ("looked up" in done.stdout) == ('"looked up"' in PAGES[name])


def test_every_lock_has_its_page() -> None:
    assert set(PAGES) == LOCKS | NODE_LOCKS

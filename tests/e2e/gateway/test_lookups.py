"""Look-ups of conditions in the running program: over HTTP, of a package, kept, and failing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[3] / "examples" / "lookup-package"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: pretend, kind: simulated}]
deployments:
  - {name: small, provider: pretend, model: m}
  - {name: large, provider: pretend, model: n}
lookups:
  - {name: customer_tier, url: "SYSTEM/tier", fresh_s: 60}
  - {name: advised, url: "SYSTEM/gone", on_failure: otherwise, otherwise: plain}
  - {name: from_file, kind: tiers, settings: {file: "FILE"}}
routes:
  - alias: chat
    deployments: [small, large]
    rules:
      - {name: gold, when: 'lookup("customer_tier", metadata.customer) == "gold"', use: [large]}
  - {alias: advised, deployments: [small, large],
     rules: [{name: plain, when: 'lookup("advised", metadata.customer) == "plain"', use: [large]}]}
  - {alias: paying, deployments: [small]}
guardrails:
  policies:
    - name: paying
      attach: {routes: [paying]}
      input:
        conditions:
          - name: tier
            when: 'lookup("from_file", metadata.customer) in ["gold", "silver"]'
            message: This is for paying customers.
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


class System(ThreadingHTTPServer):
    """An operator's own system."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.works = True


class _Handler(BaseHTTPRequestHandler):
    server: System
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked)
        body = json.dumps({"value": {"c-1": "gold", "c-2": "plain"}.get(asked["key"])}).encode()
        works = self.server.works and self.path == "/tier"
        self.send_response(200 if works else 500)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with System() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def legato(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("legato")
    shutil.copytree(PACKAGE, folder / "source")
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation")
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", *options, "--target", folder / "site",
         folder / "source"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder / "tiers.csv").write_text("c-1,gold\nc-2,plain\n")
    config = CONFIG.replace("SYSTEM", f"http://127.0.0.1:{system.server_port}")
    running = RunningLegato(
        folder,
        config.replace("FILE", str(folder / "tiers.csv")),
        variables={"PYTHONPATH": os.pathsep.join(filter(None, (str(folder / "site"), *sys.path)))},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def ask(legato: RunningLegato, route: str, customer: str) -> Answer:
    body = {"model": route, "messages": [{"role": "user", "content": "hi"}]}
    return legato.post("/v1/chat/completions", body | {"metadata": {"customer": customer}})


def test_a_rule_decides_by_what_is_looked_up_and_kept(
    legato: RunningLegato, system: System
) -> None:
    system.asked.clear()
    served = [ask(legato, "chat", one) for one in ("c-1", "c-2", "c-1", "c-3")]
    assert [one.json["model"] for one in served] == ["n", "m", "n", "m"]
    asked = [(one["key"], one["org"]) for one in system.asked]
    assert asked == [("c-1", "default"), ("c-2", "default"), ("c-3", "default")]
    trace = legato.trace(served[0].request_id)
    assert "gold" in json.dumps(trace, default=str)
    metrics = legato.get("/metrics", key=ADMIN).body.decode()
    assert 'legato_lookups_total{lookup="customer_tier",result="kept"} 1.0' in metrics


def test_a_failure_refuses_unless_it_is_to_tell_something_else(
    legato: RunningLegato, system: System
) -> None:
    system.works = False
    try:
        refused = ask(legato, "chat", "c-9")
        assert (refused.status, refused.error["code"]) == (503, "lookup_failed")
    finally:
        system.works = True
    assert ask(legato, "chat", "c-9").status == 200
    assert ask(legato, "advised", "c-1").json["model"] == "n"
    assert within(5, lambda: "a look-up failed" in legato.log.read_text())


def test_a_policy_asks_a_look_up_of_a_package(legato: RunningLegato) -> None:
    assert ask(legato, "paying", "c-1").status == 200
    refused = ask(legato, "paying", "c-2")
    assert (refused.status, refused.error["code"]) == (400, "input_blocked")
    assert refused.error["message"].startswith("This is for paying customers.")


def test_names_and_addresses_are_checked(tmp_path: Path) -> None:
    config = CONFIG.replace("SYSTEM", "http://169.254.169.254").replace("FILE", "f")
    config = config.replace('lookup("advised"', 'lookup("adviced"')
    (tmp_path / "legato.yaml").write_text(config)
    done = subprocess.run(
        [sys.executable, "-m", "legato", "config", "check", "--config", tmp_path / "legato.yaml"],
        capture_output=True, text=True, check=False, env={**os.environ, "CALLER_KEY": "k" * 32},
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert done.returncode != 0
    for part in ("lookups[0].url", "no look-up `adviced`", "no kind of look-up `tiers`"):
        assert part in told, told

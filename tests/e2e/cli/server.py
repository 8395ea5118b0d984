"""A running `legato up` on the simulated provider."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CALLER = "lg-the-declared-key-of-these-tests"
ADMIN = "lg-the-admin-key-of-these-tests"
START_S = 30.0
CONFIG = """\
config_version: 1
server: {port: 0, drain_s: 5}
providers:
  - {name: sim, kind: simulated, settings: SETTINGS}
deployments:
  - {name: small, provider: sim, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: sim, model: n, price: {input_per_mtok: "5", output_per_mtok: "15"}}
routes:
  - {alias: chat, baseline: large, deployments: [small, large]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CI_KEY}}
"""
VARIABLES = {"CI_KEY": CALLER, "LEGATO_ADMIN_KEY": ADMIN}


class Server:
    """Started on construction; `stop` or `kill` ends it."""

    def __init__(self, folder: Path, *, workers: int = 1, settings: str = "{}") -> None:
        self.data = folder / "data"
        self.config = folder / "served.yaml"
        self.config.write_text(CONFIG.replace("SETTINGS", settings))
        self.log = folder / "log"
        command = ["up", "--config", self.config, "--data", self.data, "--workers", workers]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "legato", *map(str, command)],
                env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)} | VARIABLES,
                stderr=log,
            )
        self._await_ready()
        facts = json.loads((self.data / "run" / "server.json").read_bytes())
        self.url, self.pid = facts["url"], facts["pid"]

    def _await_ready(self) -> None:
        until_s = time.monotonic() + START_S
        while "ready at" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > until_s:
                self.process.kill()
                raise AssertionError(self.log.read_text())
            time.sleep(0.02)

    def call(self, key: str = CALLER, question: str = "hi", **more: Any) -> int:
        """Ask once and return the HTTP status, 0 when nobody answers."""
        body = {"model": "chat", "messages": [{"role": "user", "content": question}], **more}
        request = urllib.request.Request(  # noqa: S310 - our own http address
            f"{self.url}/v1/chat/completions",
            json.dumps(body).encode(),
            {"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - same
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def children(self) -> dict[int, str]:
        """Return the command line of each child process of the supervisor by its pid."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.pid)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        pairs = (line.split(None, 1) for line in listed.stdout.splitlines())
        return {int(pid): arguments for pid, arguments in pairs}

    def stop(self) -> int:
        """Ask it to end and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

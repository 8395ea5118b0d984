"""A provider's credential in the vault: sealed at rest, changed while Legato runs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from running import RunningLegato, within

from openbao_server import MISSING, PROGRAM, ROOT, OpenBaoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST, SECOND = "sk-canaryvault-first-2f8e", "sk-canaryvault-second-9b1c"
CONFIG = """\
config_version: 1
cache: {enabled: false}
providers:
  - {name: up, kind: openai_compatible, base_url: "URL/v1", api_key: {vault: vendor}}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small], timeouts: {idle_s: 5}}
keys:
  - {name: ci, team: t, feature: f, secret: {env: CALLER_KEY}}
"""


class _Upstream(BaseHTTPRequestHandler):
    """Answers with a digest of nothing: notes which key came."""

    protocol_version = "HTTP/1.1"
    heard: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.heard.append(self.headers["authorization"].removeprefix("Bearer "))
        message = {"role": "assistant", "content": "yes"}
        body = json.dumps(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []
    handler = type("Handler", (_Upstream,), {"heard": heard})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


def vault(
    folder: Path, *arguments: str, stdin: str = "", status: int = 0
) -> subprocess.CompletedProcess[str]:
    options = ["--data", str(folder / "data"), "--config", str(folder / "legato.yaml")]
    done = subprocess.run(
        [sys.executable, "-m", "legato", "vault", *arguments, *options],
        input=stdin, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def test_a_credential_is_sealed_changed_under_traffic_and_survives_every_rotation(
    tmp_path: Path, upstream: tuple[str, list[str]]
) -> None:
    url, heard = upstream
    config = CONFIG.replace("URL", url)
    (tmp_path / "legato.yaml").write_text(config)
    assert "version 1" in vault(tmp_path, "set", "vendor", stdin=f"{FIRST}\n").stdout

    running = RunningLegato(tmp_path, config, workers=2)
    try:
        assert running.chat("small").status == 200
        assert heard == [FIRST]
        vault(tmp_path, "set", "vendor", stdin=f"{SECOND}\n")

        def all_follow() -> bool:
            heard.clear()
            assert [running.chat(name).status for name in ("small", "chat") * 4] == [200] * 8
            return set(heard) == {SECOND}

        assert within(3.0, all_follow), "every worker, within seconds, without a restart"
        refused = vault(tmp_path, "remove", "vendor", status=1)
        assert "used by provider up" in refused.stderr

        assert "wrapped anew" in vault(tmp_path, "rotate").stdout
        assert "version 2" in vault(tmp_path, "rotate", "--data-key").stdout
        assert running.chat("small").status == 200
        assert running.stop() == 0
        running.start()
        heard.clear()
        assert running.chat("small").status == 200, "keys of callers are known as before"
        assert heard == [SECOND]
        shown = json.loads(vault(tmp_path, "status", "--json").stdout)
        assert {key["current"] for key in shown["data_keys"]} == {True}
        assert [key["version"] for key in shown["data_keys"]] == [1, 2]
        listed = json.loads(vault(tmp_path, "list", "--json").stdout)
        assert [(one["name"], one["version"], one["providers"]) for one in listed] == [
            ("vendor", 2, ["up"])
        ]
    finally:
        running.stop()
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        kept = path.read_bytes()
        assert not any(secret.encode() in kept for secret in (FIRST, SECOND)), path


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_a_secret_of_another_vault_is_followed_and_lies_nowhere(
    tmp_path: Path, upstream: tuple[str, list[str]]
) -> None:
    url, heard = upstream
    folder = tmp_path / "legato"
    folder.mkdir()
    with OpenBaoServer(tmp_path) as openbao:
        openbao.write("legato/vendor", api_key=FIRST)
        reference = "{hashicorp: {path: legato/vendor, key: api_key}}"
        store = f'{{url: "{openbao.url}", secrets: {{token: {{env: BAO_TOKEN}}}}}}'
        config = CONFIG.replace("URL", url).replace("{vault: vendor}", reference)
        config += f"secret_stores: {{refresh_s: 1, hashicorp: {store}}}\n"
        running = RunningLegato(folder, config, workers=2, variables={"BAO_TOKEN": ROOT})
        try:
            assert running.chat("small").status == 200
            assert heard == [FIRST]
            openbao.write("legato/vendor", api_key=SECOND)

            def all_follow() -> bool:
                heard.clear()
                assert [running.chat(name).status for name in ("small", "chat") * 4] == [200] * 8
                return set(heard) == {SECOND}

            assert within(30.0, all_follow), "every worker, without a restart"
            openbao.client.secrets.kv.v2.delete_latest_version_of_secret("legato/vendor")
            assert within(30.0, lambda: "last ones stay" in running.log.read_text())
            assert running.chat("small").status == 200, "the last one stays in force"
            shown = running.command("config", "show", "--config", str(running.config))
            assert "legato/vendor" in shown
        finally:
            running.stop()
        with pytest.raises(AssertionError, match="there is no secret secret/legato/vendor"):
            running.command("config", "check", str(running.config))
    for path in (path for path in folder.rglob("*") if path.is_file()):
        kept = path.read_bytes()
        assert not any(one.encode() in kept for one in (FIRST, SECOND, ROOT)), path


def test_a_credential_that_is_missing_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="legato vault set vendor"):
        RunningLegato(tmp_path, CONFIG.replace("URL", "http://127.0.0.1:9"))

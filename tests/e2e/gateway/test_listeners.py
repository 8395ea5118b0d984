"""Listeners apart, with TLS, certificates of callers, and certificates that are replaced."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import trustme
from running import ADMIN, CALLER, CHAT, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
server:
  tls: {cert_file: FOLDER/server.pem, key_file: FOLDER/server.key, version_min: "1.3"}
  admin:
    port: 0
    tls: {cert_file: FOLDER/server.pem, key_file: FOLDER/server.key, client_ca_file: FOLDER/ca.pem}
  metrics: {port: 0}
providers: [{name: machine, kind: simulated}]
deployments:
  - {name: small, provider: machine, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small]}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
REFUSED = "refused"


class Certified:
    """Certificates in a folder, as an operator keeps them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.renew("server")
        self.renew("client")

    def renew(self, name: str) -> None:
        issued = self.authority.issue_cert("127.0.0.1", common_name=name)
        for part, ending in ((issued.cert_chain_pems[0], "pem"), (issued.private_key_pem, "key")):
            part.write_to_path(str(self.folder / f"{name}.part"))
            (self.folder / f"{name}.part").replace(self.folder / f"{name}.{ending}")

    def trusting(self, client: str | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if client is not None:
            files = (self.folder / f"{client}.pem", self.folder / f"{client}.key")
            context.load_cert_chain(*files)
        return context


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return Certified(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def legato(
    certified: Certified, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("FOLDER", str(certified.folder))
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config, workers=2)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def urls(legato: RunningLegato) -> dict[str, str]:
    facts = json.loads((legato.data / "run" / "server.json").read_bytes())
    found: dict[str, str] = facts["listeners"]
    return found


async def asked(
    url: str, tls: ssl.SSLContext | None, key: str = CALLER, body: Any = None
) -> tuple[int | str, bytes]:
    """The status, or that there was no answer at all, and the body."""
    headers = {"authorization": f"Bearer {key}"}
    try:
        async with aiohttp.ClientSession() as session:
            method = "GET" if body is None else "POST"
            trusted = tls if tls is not None else True
            async with session.request(
                method, url, headers=headers, json=body, ssl=trusted
            ) as answer:
                return answer.status, await answer.read()
    except aiohttp.ClientError:
        return REFUSED, b""


async def test_calls_are_served_with_tls_and_no_other_way(
    urls: dict[str, str], certified: Certified
) -> None:
    tls, url = certified.trusting(), urls["calls"] + CHAT
    body = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    status, streamed = await asked(url, tls, body=body)
    assert status == 200
    assert streamed.endswith(b"data: [DONE]\n\n")
    assert (await asked(url.replace("https", "http"), None, body=body))[0] == REFUSED
    old = certified.trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert (await asked(url, old, body=body))[0] == REFUSED


async def test_each_part_is_served_on_its_own_listener_only(
    urls: dict[str, str], certified: Certified
) -> None:
    known = certified.trusting("client")
    found = {
        (part, path): (await asked(urls[part] + path, known, ADMIN))[0]
        for part in ("calls", "admin", "metrics")
        for path in ("/v1/models", "/api/v1/me", "/metrics", "/healthz")
    }
    served = {place for place, status in found.items() if status == 200}
    assert served == {
        ("calls", "/v1/models"),
        ("calls", "/healthz"),
        ("admin", "/api/v1/me"),
        ("admin", "/healthz"),
        ("metrics", "/metrics"),
        ("metrics", "/healthz"),
    }
    assert {status for place, status in found.items() if place not in served} == {404}


async def test_the_console_is_where_the_control_api_is(
    urls: dict[str, str], certified: Certified
) -> None:
    known = certified.trusting("client")
    for path in ("/ui", "/ui/", "/ui/requests"):
        assert (await asked(urls["calls"] + path, known))[0] == 404, path
        assert (await asked(urls["metrics"] + path, known))[0] == 404, path
        assert (await asked(urls["admin"] + path, known))[0] in {200, 503}, path


async def test_who_shows_no_certificate_never_reaches_the_control_api(
    urls: dict[str, str], certified: Certified
) -> None:
    url = urls["admin"] + "/api/v1/me"
    assert (await asked(url, certified.trusting("client"), ADMIN))[0] == 200
    assert (await asked(url, certified.trusting(), ADMIN))[0] == REFUSED


def test_commands_find_the_control_api_all_the_same(legato: RunningLegato) -> None:
    assert legato.url.startswith("http://127.0.0.1:")
    assert legato.get("/api/v1/me", ADMIN).status == 200


async def test_tls_asks_for_tls_alone(urls: dict[str, str], certified: Certified) -> None:
    secure, plain = urls["calls"] + "/healthz", urls["metrics"] + "/healthz"
    async with aiohttp.ClientSession() as session:
        async with session.get(secure, ssl=certified.trusting()) as answer:
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
        async with session.get(plain) as answer:
            assert "strict-transport-security" not in answer.headers


async def test_a_new_certificate_is_shown_and_open_connections_go_on(
    legato: RunningLegato, urls: dict[str, str], certified: Certified
) -> None:
    def shown() -> str:
        host, port = urls["calls"].removeprefix("https://").split(":")
        return ssl.get_server_certificate((host, int(port)))

    first = shown()
    async with aiohttp.ClientSession() as session:
        tls, url = certified.trusting(), urls["calls"] + "/v1/models"
        headers = {"authorization": f"Bearer {CALLER}"}
        async with session.get(url, headers=headers, ssl=tls) as answer:
            assert answer.status == 200
        certified.renew("server")
        renewed = (certified.folder / "server.pem").read_text()
        for _ in range(4):  # each of the two workers
            assert within(10, lambda: shown().split() == renewed.split())
        assert renewed.split() != first.split()
        async with session.get(url, headers=headers, ssl=tls) as answer:
            assert answer.status == 200
    (certified.folder / "server.pem").write_text("half a certific")
    told = "certificates can't be used"
    assert within(10, lambda: told in legato.log.read_text())
    assert (await asked(urls["calls"] + "/v1/models", certified.trusting()))[0] == 200
    certified.renew("server")


def test_a_certificate_that_cant_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    Certified(tmp_path)
    (tmp_path / "server.key").write_text("no key")
    (tmp_path / "legato.yaml").write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    command = ["up", "--config", str(tmp_path / "legato.yaml"), "--data", str(tmp_path / "data")]
    done = subprocess.run(
        [sys.executable, "-m", "legato", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"CALLER_KEY": CALLER, "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert done.returncode == 1
    assert "server.pem" in done.stderr
    assert "server.key can't be used for TLS" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_tells_when_certificates_end(
    legato: RunningLegato, certified: Certified
) -> None:
    told = json.loads(legato.command("doctor", "--json", "--config", str(legato.config)))
    found = {one["name"]: one for one in told if one["name"].startswith("server.")}
    assert set(found) == {"server.tls", "server.admin.tls"}
    assert all(one["state"] == "good" for one in found.values())
    assert str(certified.folder / "server.pem") in found["server.tls"]["found"]

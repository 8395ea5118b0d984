"""An OpenID provider that takes connections and never answers holds up nobody else."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from running import ADMIN, Answer, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

V1 = "/api/v1"
CONFIG = """\
config_version: 1
accounts:
  external_url: "http://legato.test"
  oidc:
    - name: op
      issuer: "http://127.0.0.1:PORT"
      client_id: legato
      client_secret: {env: OP}
      role_mapping: [{claim: groups, value: staff, role: viewer}]
"""
ASKING = 16


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        config = CONFIG.replace("PORT", str(silent.getsockname()[1]))
        folder = tmp_path_factory.mktemp("hanging")
        running = RunningLegato(folder, config, workers=1, variables={"OP": "secret-of-op"})
        yield running
        assert running.stop() == 0


def test_a_provider_that_hangs_stops_nobody_else(legato: RunningLegato) -> None:
    assert legato.get(f"{V1}/me", ADMIN).status == 200  # the control process is awake
    with ThreadPoolExecutor(ASKING) as threads:
        began = monotonic()
        waiting = [threads.submit(legato.get, f"{V1}/login/oidc/op") for _ in range(ASKING)]
        beside: list[float] = []
        while len(beside) < 20:
            at = monotonic()
            assert legato.get(f"{V1}/keys", ADMIN).status == 200
            beside.append(monotonic() - at)
        answers = [one.result() for one in waiting]
    assert sorted(beside)[10] < 2, "a handler that does no more than read"
    assert {one.status for one in answers} <= {502, 503}
    full = [one for one in answers if one.status == 503]
    assert full, "what finds no place is refused at once"
    assert all(int(one.headers["retry-after"]) >= 1 for one in full)
    assert monotonic() - began < 40


def test_strangers_begin_so_many_sign_ins_and_no_more(legato: RunningLegato) -> None:
    def wrong() -> Answer:
        return legato.get(f"{V1}/login/oidc/op/callback?state=x&code=y")

    statuses = [wrong().status for _ in range(200)]
    assert set(statuses) == {401, 429}, "an office may begin at once, and then a few a second"
    assert "retry-after" in wrong().headers
    assert legato.get(f"{V1}/login/oidc/nobody").status == 404

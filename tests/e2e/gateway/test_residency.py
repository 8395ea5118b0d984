"""A tenant's calls stay within its regions, whatever a route has; it holds at once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: us, provider: up, model: m, region: us}
  - {name: eu, provider: up, model: m, region: eu}
  - {name: nowhere, provider: up, model: m}
routes:
  - {alias: chat, deployments: [us, eu, nowhere], cache: {enabled: false}}
  - {alias: abroad, deployments: [us, nowhere], cache: {enabled: true}}
  - alias: raced
    deployments: [us, eu]
    cache: {enabled: false}
    hedge: {after_s: 0.001, max_share: 1}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
V1 = "/api/v1"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("residency"), CONFIG)
    yield running
    assert running.stop() == 0


def served(legato: RunningLegato, model: str, times: int = 8) -> set[str]:
    return {
        entry["deployment"]
        for _ in range(times)
        for entry in legato.entries(legato.chat(model).request_id)
    }


def run(legato: RunningLegato, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "legato", *arguments],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_calls_stay_within_the_regions_of_their_tenant(legato: RunningLegato) -> None:
    assert legato.chat("abroad", "kept").status == 200
    assert legato.chat("abroad", "kept").headers["x-legato-cache"] == "hit"
    done = legato.post(f"{V1}/residency", {"regions": ["eu"]}, ADMIN)
    assert (done.status, done.json["shut_out"]) == (200, ["abroad", "nowhere", "us"])
    assert within(3, lambda: legato.chat("abroad", "kept").status == 403)  # the cache doesn't leak
    refused = legato.chat("abroad").error["message"]
    assert "the residency of default requires (region eu)" in refused
    assert "us: region us" in refused
    assert "nowhere: region unknown" in refused
    assert legato.chat("us").status == 403
    assert served(legato, "chat") == {"eu"}
    assert served(legato, "raced", 3) == {"eu"}
    assert "not to us: region us" in legato.command("can", "ci", "call:chat")

    legato.command("privacy", "residency", "--team", "platform", "--region", "us")
    assert within(3, lambda: legato.chat("chat").status == 403)
    told = legato.chat("chat").error["message"]
    assert "the residency of default and default/platform requires (region none)" in told
    checked = json.loads(legato.command("config", "check", str(legato.config), "--json"))
    of_org, of_team = (one for one in checked["warnings"] if "residency" in one)
    assert "residency of default (regions: eu) leaves no deployment of abroad" in of_org
    assert "residency of default/platform (regions: none) leaves no deployment of" in of_team
    shown = json.loads(legato.command("privacy", "residency", "--json"))
    assert [(one["team"], one["regions"]) for one in shown] == [("", ["eu"]), ("platform", ["us"])]
    legato.command("privacy", "residency", "--anywhere")
    assert within(3, lambda: legato.chat("chat").status == 200)
    assert served(legato, "chat", 3) == {"us"}
    assert legato.post(f"{V1}/residency", {"team": "platform"}, ADMIN).status == 200
    assert within(3, lambda: legato.chat("nowhere").status == 200)
    assert legato.get(f"{V1}/residency", ADMIN).json == {"data": []}
    assert legato.post(f"{V1}/residency", {"regions": ["eu"]}).status == 403
    acts = legato.command("audit", "list", "--action", "residency.*", "--json")
    assert acts.count("residency.set") == 2
    assert acts.count("residency.remove") == 2


def test_what_is_saved_and_cannot_be_called_is_warned_of(legato: RunningLegato) -> None:
    def saved(kind: str, name: str, spec: dict[str, object]) -> list[str]:
        place = f"{V1}/registry/objects/{kind}/{name}/versions"
        done = legato.post(place, {"spec": spec}, ADMIN)
        assert done.status == 201, done.json
        found: list[str] = done.json["warnings"]
        return found

    new = {"provider": "up", "model": "m", "region": "us"}
    assert saved("deployment", "us-2", new) == []
    for held in ({"regions": ["eu"]}, {"team": "platform", "regions": ["us"]}):
        assert legato.post(f"{V1}/residency", held, ADMIN).status == 200
    of_org, of_team = saved("route", "far", {"deployments": ["us", "nowhere"]})
    assert "residency of default (regions: eu) leaves no deployment of far" in of_org
    assert "residency of default/platform (regions: none)" in of_team
    (of_team,) = saved("route", "near", {"deployments": ["us", "eu"]})
    assert "residency of default/platform (regions: none)" in of_team
    assert "leaves no deployment of us-2: its calls" in saved("deployment", "us-2", new)[0]
    prompt = {"route": "abroad", "messages": [{"role": "user", "content": "Hi"}]}
    assert "no deployment of abroad: its calls" in saved("prompt", "greeting", prompt)[0]
    chain = msgspec.yaml.decode(run(legato, "workflow", "new", "chain", "--model", "abroad").stdout)
    assert "no deployment of abroad: its calls" in saved("workflow", "afar", chain)[0]
    place = legato.data.parent / "far.yaml"
    place.write_text("kind: route\nname: far\nspec: {deployments: [us]}\n")
    done = run(legato, "registry", "save", str(place), "--data", str(legato.data))
    assert "warning: the residency of default (regions: eu) leaves no deployment" in done.stderr
    for open_to_all in ({}, {"team": "platform"}):
        assert legato.post(f"{V1}/residency", open_to_all, ADMIN).status == 200

"""`legato verify provider` against servers that speak each vendor's wire."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from azure_openai import CHAT_DEPLOYMENT, EMBEDDING_DEPLOYMENT, AzureServer
from azure_openai import KEY as AZURE_KEY
from bedrock import ACCESS_KEY, CLAUDE, NOVA, REGION, SECRET_KEY, TITAN, BedrockServer
from gemini import KEY as GEMINI_KEY
from gemini import LOCATION, PROJECT, GeminiServer

from legato.providers.simulated.book import read_book
from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.settings import SimulatedSettings
from wire_servers.cohere import KEY as COHERE_KEY
from wire_servers.cohere import CohereServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Legato

CONFIG = """\
config_version: 1
providers:
  - {{name: sim, kind: simulated}}
  - {{name: open, kind: openai_compatible, base_url: "{simulated}/v1", api_key: {{env: A_KEY}}}}
  - {{name: claude, kind: anthropic, base_url: "{simulated}", api_key: {{env: A_KEY}}}}
  - {{name: cohere, kind: cohere, base_url: "{cohere}", api_key: {{env: COHERE_KEY}}}}
  - {{name: studio, kind: gemini, base_url: "{gemini}", api_key: {{env: GEMINI_KEY}}}}
  - name: vertex
    kind: vertex
    base_url: "{gemini}"
    api_key: {{env: VERTEX_ACCOUNT}}
    settings: {{project: {project}, location: {location}}}
  - {{name: azure, kind: azure_openai, base_url: "{azure}", api_key: {{env: AZURE_KEY}}}}
  - name: azure-dated
    kind: azure_openai
    base_url: "{azure}"
    api_key: {{env: AZURE_KEY}}
    settings: {{api: deployments, api_version: 2024-10-21}}
  - name: bedrock
    kind: bedrock
    base_url: "{bedrock}"
    secrets: &aws {{access_key_id: {{env: AWS_ID}}, secret_access_key: {{env: AWS_SECRET}}}}
    settings: {{region: {region}}}
  - name: claude-at-bedrock
    kind: bedrock
    base_url: "{bedrock}"
    secrets: *aws
    settings: {{region: {region}, api: invoke_anthropic}}
  - {{name: away, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}}
  - {{name: idle, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}}
  - {{name: sealed, kind: cohere, base_url: "{cohere}", api_key: {{vault: cohere}}}}
deployments:
  - name: sim-1
    provider: sim
    model: m
    price: &p {{input_per_mtok: "1", output_per_mtok: "2"}}
  - {{name: open-1, provider: open, model: small, price: *p, capabilities: {{vision: false}}}}
  - {{name: open-2, provider: open, model: other, price: *p}}
  - {{name: open-3, provider: open, model: other, price: *p, capabilities: {{reasoning: true,
     vision: true}}}}
  - {{name: open-v, provider: open, model: vectors, price: *p, capabilities: {{embeddings: true}}}}
  - {{name: claude-1, provider: claude, model: small, price: *p, capabilities: {{tools: false,
     vision: false}}}}
  - {{name: chat, provider: cohere, model: command-x}}
  - {{name: embed, provider: cohere, model: embed-x, capabilities: {{embeddings: true}}}}
  - {{name: rank, provider: cohere, model: rerank-x, price: {{search_usd: "0.002"}}}}
  - {{name: studio-3, provider: studio, model: gemini-3-flash, price: *p}}
  - {{name: studio-v, provider: studio, model: gemini-embedding-001, price: *p,
     capabilities: {{embeddings: true}}}}
  - {{name: vertex-3, provider: vertex, model: gemini-3-flash, price: *p}}
  - {{name: azure-1, provider: azure, model: "{chat_deployment}", price: *p}}
  - {{name: azure-v, provider: azure, model: {embedding_deployment}, price: *p,
     capabilities: {{embeddings: true}}}}
  - {{name: azure-2, provider: azure-dated, model: "{chat_deployment}", price: *p}}
  - {{name: nova, provider: bedrock, model: "{nova}", price: *p}}
  - {{name: titan, provider: bedrock, model: "{titan}", price: *p,
     capabilities: {{embeddings: true}}}}
  - {{name: bedrock-2, provider: claude-at-bedrock, model: "{claude}", price: *p,
     capabilities: {{reasoning: true}}}}
  - {{name: away-1, provider: away, model: m, price: *p}}
  - {{name: sealed-1, provider: sealed, model: command-x, price: *p}}
"""
SECRET = "sk-a-secret-that-must-not-be-seen"
CHAT = {
    "chat", "chat.forwarded", "stream", "usage", "usage.stream", "tools", "tools.result",
    "tools.stream", "json-schema", "vision", "reasoning", "responses", "unknown-model",
    "count-tokens",
}  # fmt: skip


ASKED = {"chat", "chat.forwarded", "stream", "tools", "tools.stream", "json-schema", "reasoning",
         "responses"}  # fmt: skip
"""What can fail by itself, where an unknown model is refused before any fault strikes."""


class Place:
    """A folder with a configuration whose providers are all on loopback."""

    def __init__(self, folder: Path, legato: Legato, **settings: Any) -> None:
        self.folder = folder
        self._legato = legato
        behaviour = {"models": {"small": {}, "other": {}, "vectors": {}}, "strict_models": True}
        self.simulated = SimulatedChild(
            folder, msgspec.convert(behaviour | settings, SimulatedSettings)
        )
        self.cohere, self.gemini = CohereServer(), GeminiServer()
        self.azure, self.bedrock = AzureServer(), BedrockServer()
        for server in self._servers():
            server.__enter__()
        self.variables = {
            "A_KEY": SECRET,
            "COHERE_KEY": COHERE_KEY,
            "GEMINI_KEY": GEMINI_KEY,
            "VERTEX_ACCOUNT": self.gemini.account,
            "AZURE_KEY": AZURE_KEY,
            "AWS_ID": ACCESS_KEY,
            "AWS_SECRET": SECRET_KEY,
        }
        (folder / "legato.yaml").write_text(
            CONFIG.format(
                simulated=self.simulated.url,
                cohere=self.cohere.url,
                gemini=self.gemini.url,
                azure=self.azure.url,
                chat_deployment=CHAT_DEPLOYMENT,
                embedding_deployment=EMBEDDING_DEPLOYMENT,
                bedrock=self.bedrock.url,
                region=REGION,
                nova=NOVA,
                titan=TITAN,
                claude=CLAUDE,
                project=PROJECT,
                location=LOCATION,
            )
        )

    def verify(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = self._legato("verify", "provider", *arguments, **(self.variables | variables))
        said = (
            done.stdout
            + done.stderr
            + "".join(file.read_text() for file in self.folder.glob("legato-data/evidence/*"))
        )
        secrets = set((self.variables | variables).values()) - {""}
        assert not [secret for secret in secrets if secret in said]
        assert "Traceback" not in said, said
        return done

    def seen(self, *arguments: str, status: int = 0, **variables: str) -> dict[str, Any]:
        done = self.verify(*arguments, "--yes", "--json", **variables)
        assert done.returncode == status, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def sent(self) -> int:
        """How many calls the simulated server got."""
        return sum(1 for _ in read_book(self.simulated.book))

    def close(self) -> None:
        for server in self._servers():
            server.__exit__()
        self.simulated.stop()

    def _servers(self) -> tuple[Any, ...]:
        return self.cohere, self.gemini, self.azure, self.bedrock


@pytest.fixture
def place(legato: Legato, tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, legato)
    yield place
    place.close()


def outcomes(found: dict[str, Any], deployment: str) -> dict[str, str]:
    (one,) = [each for each in found["deployments"] if each["deployment"] == deployment]
    return {check["name"]: check["outcome"] for check in one["checks"]}


def of(outcomes: dict[str, str], outcome: str) -> set[str]:
    return {name for name, found in outcomes.items() if found == outcome}


def check_named(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [c for d in found["deployments"] for c in d["checks"] if c["name"] == name]
    return dict(one)


@pytest.mark.parametrize(
    ("provider", "deployment", "missing"),
    [
        ("open", "open-1", {"vision", "reasoning", "count-tokens"}),
        ("claude", "claude-1", {"tools", "tools.result", "tools.stream", "vision", "reasoning"}),
        ("cohere", "chat", {"chat.forwarded", "count-tokens"}),
        ("studio", "studio-3", {"chat.forwarded"}),
        ("vertex", "vertex-3", {"chat.forwarded"}),
        ("azure", "azure-1", {"count-tokens"}),
        ("azure-dated", "azure-2", {"count-tokens"}),
        ("bedrock", "nova", {"chat.forwarded", "count-tokens"}),
        ("claude-at-bedrock", "bedrock-2", {"count-tokens"}),
    ],
)
def test_a_good_provider_passes_all_it_offers(
    place: Place, provider: str, deployment: str, missing: set[str]
) -> None:
    found = place.seen(provider, "--deployment", deployment)
    chat = outcomes(found, deployment)
    assert chat.keys() == CHAT
    assert of(chat, "not offered") == missing
    assert of(chat, "passed") == CHAT - missing
    assert found["passed"]
    assert 0 < found["calls"] <= found["calls_max"]


def test_one_deployment_for_each_kind_of_work(place: Place) -> None:
    found = place.seen("cohere")
    works = {one["deployment"]: one["work"] for one in found["deployments"]}
    assert works == {"chat": "chat", "embed": "embeddings", "rank": "rerank"}
    assert set(outcomes(found, "embed").values()) == {"passed"}
    assert set(outcomes(found, "rank").values()) == {"passed"}
    (rank,) = [one for one in found["deployments"] if one["work"] == "rerank"]
    assert rank["checks"][0]["cost_usd"] == "0.002000000"
    assert found["cost_usd"] is None  # two of the three have no price


@pytest.mark.parametrize(
    ("provider", "deployment"),
    [("studio", "studio-v"), ("azure", "azure-v"), ("bedrock", "titan"), ("open", "open-v")],
)
def test_vectors_come_as_short_as_asked(place: Place, provider: str, deployment: str) -> None:
    found = place.seen(provider, "--deployment", deployment)
    every = {"embeddings", "embeddings.usage", "embeddings.dimensions"}
    assert of(outcomes(found, deployment), "passed") == every


def test_a_picture_nobody_looked_at_and_thoughts_nobody_had(place: Place) -> None:
    unknown = place.seen("open", "--deployment", "open-2", status=1)
    assert of(outcomes(unknown, "open-2"), "failed") == {"vision"}
    assert "set capabilities.vision to false" in check_named(unknown, "vision")["seen"]
    assert check_named(unknown, "reasoning")["outcome"] == "not offered"
    known = place.seen("open", "--deployment", "open-3", status=1)
    assert of(outcomes(known, "open-3"), "failed") == {"vision", "reasoning"}


def test_thoughts_that_are_counted_are_enough(legato: Legato, tmp_path: Path) -> None:
    place = Place(tmp_path, legato, reasoning_share=0.5)
    try:
        found = place.seen("open", "--deployment", "open-1")
        assert check_named(found, "reasoning")["outcome"] == "passed"
    finally:
        place.close()


def test_what_it_costs_is_what_the_provider_reported_and_within_the_bound(place: Place) -> None:
    found = place.seen("open", "--deployment", "open-1")
    assert found["calls"] == place.sent()
    nano = 1_000 * found["input_tokens"] + 2_000 * found["output_tokens"]
    assert found["cost_usd"] == f"0.{nano:09d}"
    assert float(found["cost_usd"]) <= float(found["cost_usd_max"])
    evidence = json.loads((place.folder / found["evidence"]).read_text())
    assert (evidence["kind"], evidence["host"]) == ("openai_compatible", "127.0.0.1")
    names = [check["name"] for check in evidence["models"][0]["checks"]]
    assert set(names) == CHAT


def test_the_table_says_first_what_will_be_done(place: Place) -> None:
    done = place.verify("cohere", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UNPRICED chat: " in done.stderr
    assert "at most 0." in done.stderr
    assert "an unknown sum for chat, embed (unpriced)" in done.stderr
    alone = place.verify("cohere", "--deployment", "chat", "--yes")
    assert "What they cost is not known." in alone.stderr
    assert "Evidence: " in done.stdout
    assert "not offered" in done.stdout


def test_without_consent_nothing_is_sent(place: Place) -> None:
    done = place.verify("open")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert place.sent() == 0
    assert not (place.folder / "legato-data" / "evidence").exists()


@pytest.mark.parametrize(("word", "status"), [("n", 1), ("y", 0)])
def test_a_person_is_asked(place: Place, word: str, status: int) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "legato", "verify", "provider", "open"],
        cwd=place.folder,
        env=os.environ | place.variables | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(ours, f"{word}\n".encode())
        _, said = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == status, said
    assert "Make these calls?" in said
    assert (place.sent() > 0) == (status == 0)


def test_a_model_server_of_our_own_is_started_and_stopped(place: Place) -> None:
    chat = outcomes(place.seen("sim"), "sim-1")
    missing = {"vision", "reasoning", "unknown-model", "count-tokens"}
    assert of(chat, "not offered") == missing
    assert of(chat, "passed") == CHAT - missing
    assert not list(place.folder.glob("legato-data/*.book.jsonl"))


@pytest.mark.parametrize(
    ("settings", "failed"),
    [
        ({"usage_shape": "missing"}, {"usage", "usage.stream"}),
        ({"wrong_usage_rate": 1, "wrong_usage_shape": "zero"}, {"usage", "usage.stream"}),
        ({"wrong_usage_rate": 1, "output_tokens": 200}, {"usage", "usage.stream"}),
        ({"cut_rate": 1, "cut_style": "eof"}, ASKED),
        ({"garbage_rate": 1}, ASKED),
        ({"error_rate": 1}, ASKED),
        ({"strict_models": False}, {"unknown-model"}),
    ],
)
def test_a_provider_that_answers_wrongly_fails(
    legato: Legato, tmp_path: Path, settings: dict[str, Any], failed: set[str]
) -> None:
    place = Place(tmp_path, legato, **settings)
    try:
        found = place.seen("open", "--deployment", "open-1", status=1)
        assert of(outcomes(found, "open-1"), "failed") == failed
        assert not found["passed"]
    finally:
        place.close()


def test_a_bound_too_short_for_a_word_says_so(legato: Legato, tmp_path: Path) -> None:
    place = Place(tmp_path, legato, reasoning_share=1.0)
    try:
        found = place.seen("open", "--deployment", "open-1", "--max-tokens", "16", status=1)
        assert "--max-tokens" in check_named(found, "chat")["seen"]
    finally:
        place.close()


@pytest.mark.parametrize("provider", ["cohere", "studio"])
def test_a_wrong_key_fails_and_ends_the_run(place: Place, provider: str) -> None:
    wrong = {"COHERE_KEY": "wrong-key-nobody-knows", "GEMINI_KEY": "AIza-wrong-key-nobody-knows"}
    found = place.seen(provider, status=1, **wrong)
    every = [c["outcome"] for d in found["deployments"] for c in d["checks"]]
    assert every[0] == "failed"
    assert set(every[1:]) == {"not run"}
    assert found["calls"] == 1
    assert "credentials" in check_named(found, "chat")["seen"]


def test_a_provider_that_is_away_fails(place: Place) -> None:
    found = place.seen("away", status=1)
    assert check_named(found, "chat")["seen"].startswith("provider_unavailable")


def test_a_credential_of_the_vault_is_used(place: Place, legato: Legato) -> None:
    done = place.verify("sealed", "--yes")
    assert done.returncode != 0
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
    stored = subprocess.run(
        [sys.executable, "-m", "legato", "vault", "set", "cohere"],
        cwd=place.folder, input=COHERE_KEY + "\n", capture_output=True, text=True, check=False,
        env=environment | place.variables | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert stored.returncode == 0, stored.stderr
    assert place.seen("sealed")["passed"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["opne"], "no provider 'opne' in the configuration (legato.yaml); it has: sim, open,"),
        (["open", "--deployment", "chat"], "it has: open-1, open-2, open-3, open-v"),
        (["idle"], "provider 'idle' has no deployment"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    place: Place, arguments: list[str], told: str
) -> None:
    done = place.verify(*arguments, "--yes")
    assert done.returncode == 2
    assert told in done.stderr


def test_a_key_that_is_not_set_is_named(place: Place) -> None:
    done = place.verify("open", "--yes", A_KEY="")
    assert done.returncode == 2
    assert "A_KEY" in done.stderr
    assert place.verify("cohere", "--yes", A_KEY="").returncode == 0  # another's secret

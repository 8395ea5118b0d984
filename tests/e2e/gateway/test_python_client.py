"""The Python client against a running instance; its page is run as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import ADMIN, CALLER, RunningLegato, within

sys.path.append(str(Path(__file__).parent))
from kept_prompts import PromptDesk, Recorder

from legato_client import AsyncLegato, Legato, LegatoRefused, LegatoUnreachable
from wire_servers.plain_server import as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wire_servers.plain_server import Reply, Request

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/python-client.md").read_text()
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: open, kind: openai_compatible, base_url: "RECORDER/v1"}]
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small], cache: {enabled: false}}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
SPEC = {
    "messages": [{"role": "user", "content": "{{question}}"}],
    "variables": {"question": {"type": "string"}},
    "route": "chat",
}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("client")
    running = RunningLegato(folder, CONFIG.replace("RECORDER", recorder.url))
    PromptDesk(running).save("refund-reply", SPEC, "production", "staging")
    with Legato(running.url, CALLER) as client:
        assert within(2, lambda: "refund-reply" in client.prompts())
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(legato: RunningLegato) -> Iterator[Legato]:
    with Legato(legato.url, CALLER) as client:
        yield client


def test_a_prompt_is_called_by_name(client: Legato, recorder: Recorder) -> None:
    answer = client.prompt("refund-reply", {"question": "Where?"}, user="ann", temperature=0)
    assert answer.text.startswith("answer ")
    assert answer.finish_reason == "stop"
    assert answer.usage.input_tokens == 9
    assert answer.cost_usd == Decimal("0.000013")
    assert re.fullmatch(r"prompt/refund-reply@[0-9a-f]{12}", answer.versions[0])
    assert recorder.last["messages"] == [{"role": "user", "content": "Where?"}]
    assert recorder.last["temperature"] == 0
    assert recorder.last["user"] == "ann"


def test_what_can_be_called_is_listed(client: Legato) -> None:
    assert client.prompts() == ["refund-reply", "refund-reply@staging"]


def test_a_version_is_called_by_its_number_though_it_has_no_label(
    client: Legato, legato: RunningLegato, recorder: Recorder
) -> None:
    draft = SPEC | {"messages": [{"role": "user", "content": "Draft: {{question}}"}]}
    digest = PromptDesk(legato).save("refund-reply", draft)
    for version in ("2", digest[:12]):
        answer = client.prompt(f"refund-reply@{version}", {"question": "Where?"})
        assert answer.versions == (f"prompt/refund-reply@{digest[:12]}",)
        assert recorder.last["messages"][0]["content"] == "Draft: Where?"
    with pytest.raises(LegatoRefused, match="no version '9' here"):
        client.prompt("refund-reply@9", {"question": "Where?"})


def test_a_stream_comes_in_parts_and_knows_its_usage(client: Legato) -> None:
    with client.stream_prompt("refund-reply@staging", {"question": "Where?"}) as stream:
        texts = list(stream)
    assert "".join(texts) == stream.text
    assert stream.text.startswith("answer ")
    assert len(stream.request_id) == 32


def test_feedback_stands_beside_the_answer(client: Legato, legato: RunningLegato) -> None:
    answer = client.chat("chat", [{"role": "user", "content": "Hi"}])
    client.feedback(answer, thumbs="up", user="ann")
    client.feedback(answer.request_id, outcome="rework", user="ann")
    listed = legato.get("/api/v1/feedback", key=ADMIN).json["data"]
    (kept,) = [one for one in listed if one["request_id"] == answer.request_id]
    assert (kept["thumbs"], kept["outcome"]) == ("up", "rework")
    with pytest.raises(ValueError, match="say at least one"):
        client.feedback(answer, user="ann")


def test_a_refusal_says_why(client: Legato) -> None:
    with pytest.raises(LegatoRefused, match="question") as refused:
        client.prompt("refund-reply")
    assert refused.value.http_status == 400
    assert refused.value.param == "metadata.variables.question"
    assert len(refused.value.request_id) == 32


def test_nobody_there_is_told(legato: RunningLegato) -> None:
    with Legato("http://127.0.0.1:9", CALLER) as away, pytest.raises(LegatoUnreachable):
        away.prompts()
    with pytest.raises(ValueError, match="LEGATO_URL"):
        Legato("127.0.0.1", CALLER)


async def test_the_asynchronous_client_does_the_same(legato: RunningLegato) -> None:
    async with AsyncLegato(f"{legato.url}/v1", CALLER) as client:
        answer = await client.prompt("refund-reply", {"question": "Where?"})
        assert answer.text.startswith("answer ")
        async with client.stream_prompt("refund-reply", {"question": "Where?"}) as stream:
            assert "".join([text async for text in stream]).startswith("answer ")
        await client.feedback(answer, score=0.5)
        with pytest.raises(LegatoRefused, match="nothing"):
            await client.prompt("nothing")


class Shaky(Recorder):
    """Fails the first time, and then answers."""

    def answer(self, request: Request) -> Reply:
        if len(self.taken) < 2:
            return as_json(503, {"error": {"message": "overloaded"}})
        return super().answer(request)


def test_a_call_is_repeated_where_legato_says_that_it_will_pass(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Hi"}]
    with Shaky() as shaky:
        config = CONFIG.replace("RECORDER", shaky.url) + "retry: {attempts_max: 1}\n"
        running = RunningLegato(tmp_path, config)
        try:
            with Legato(running.url, CALLER, retries_max=0) as hasty:
                with pytest.raises(LegatoRefused) as refused:
                    hasty.chat("chat", said)
                assert refused.value.http_status == 503
            shaky.taken.clear()
            with Legato(running.url, CALLER) as patient:
                assert patient.chat("chat", said).text == "answer 2"
        finally:
            assert running.stop() == 0


def test_the_page_runs(legato: RunningLegato, tmp_path: Path) -> None:
    programs = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(programs) == 3
    for program in programs:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=legato.environment
            | {
                "LEGATO_URL": legato.url,
                "LEGATO_KEY": CALLER,
                "PYTHONPATH": str(ROOT / "clients/python/src"),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "answer " in done.stdout

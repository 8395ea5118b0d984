"""A deployment of embeddings behind the semantic cache: its vectors, its cost, its failures."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from oracle import Oracle
from running import RunningLegato, within

from legato.embedding.loading import load_embedder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
cache: {semantic: {embedder: vectors, dimensions: 256, embed_s: 2}}
providers:
  - {name: open, kind: openai_compatible, base_url: "ORACLE/v1"}
  - {name: numbers, kind: openai_compatible, base_url: "NUMBERS/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: vectors, provider: numbers, model: e, price: {input_per_mtok: "10"}}
routes:
  - {alias: chat, deployments: [small], cache: {semantic: {bound: 0.2}}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


class Numbers:
    """Embeds with WordLlama's table over OpenAI's interface. As `model` it says who it is."""

    def __init__(self) -> None:
        numbers, table = self, load_embedder("wordllama", None)  # type: ignore[arg-type]
        self.model, self.works, self.length, self.calls = "e-1", True, 256, 0
        self.heard: list[str] = []
        self.goes_on = threading.Event()
        self.goes_on.set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                numbers.calls += 1
                numbers.goes_on.wait(20)
                asked = body["input"]
                texts = [asked] if isinstance(asked, str) else asked
                numbers.heard += texts
                vectors = table.embed(texts)[:, : numbers.length].astype(float).tolist()
                data = [
                    {"object": "embedding", "index": index, "embedding": vector}
                    for index, vector in enumerate(vectors)
                ]
                usage = {"prompt_tokens": 7, "total_tokens": 7}
                told: dict[str, Any] = {"object": "list", "data": data, "model": numbers.model}
                encoded = json.dumps(told | {"usage": usage}).encode()
                self.send_response(200 if numbers.works else 500)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def numbers() -> Iterator[Numbers]:
    made = Numbers()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def legato(numbers: Numbers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    oracle = Oracle()
    config = CONFIG.replace("ORACLE", oracle.url).replace("NUMBERS", numbers.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    for number in range(40):  # the bound is a share of requests: let there be some
        running.chat(question=f"What is {number} to me?")
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()
    oracle.stop()


def state(legato: RunningLegato, question: str) -> str:
    answer = legato.chat(question=question)
    assert answer.status == 200, answer.body
    return answer.headers["x-legato-cache"].partition(";")[0]


def states(legato: RunningLegato, question: str) -> set[str]:
    """Ask a few times: hits that are to be checked may not be served."""
    return {state(legato, question + " " * blanks) for blanks in range(5)}


def counted(legato: RunningLegato, result: str) -> float:
    line = f'legato_semantic_cache_total{{result="{result}",route="chat"}} '
    told = legato.get("/metrics").body.decode().splitlines()
    return sum(float(one.removeprefix(line)) for one in told if one.startswith(line))


def test_its_vectors_find_what_means_the_same_and_cost_overhead(legato: RunningLegato) -> None:
    first = legato.chat(question="How do I bake rye bread at home?")
    assert first.headers["x-legato-cache"] == "miss"
    assert "semantic" in states(legato, "How can I bake rye bread at home?")
    overhead = "SELECT * FROM ledger_entry WHERE kind = 'overhead' AND deployment = 'vectors'"
    assert within(10, lambda: len(legato.query(overhead)) > 40)
    for row in legato.query(overhead):
        assert (row["feature"], row["cost"], row["baseline_cost"]) == ("tests", 70_000, 0)
    legato.command("ledger", "verify")


def test_vectors_of_another_model_are_never_compared(
    legato: RunningLegato, numbers: Numbers
) -> None:
    assert state(legato, "How do I tune an acoustic guitar?") == "miss"
    numbers.model = "e-2"
    try:
        assert state(legato, "How can I tune an acoustic guitar?") == "miss"
    finally:
        numbers.model = "e-1"
    assert "semantic" in states(legato, "How can I tune an acoustic guitar? ")


@pytest.mark.parametrize(
    ("trouble", "topic"),
    [
        ("fails", "mend a torn tent"),
        ("is slow", "train a young puppy"),
        ("has another length", "remove wine stains"),
    ],
)
def test_without_a_vector_a_question_is_a_miss(
    legato: RunningLegato, numbers: Numbers, trouble: str, topic: str
) -> None:
    assert state(legato, f"How do I {topic}?") == "miss"
    before = counted(legato, "embedder_failed")
    numbers.works = trouble != "fails"
    numbers.length = 128 if trouble == "has another length" else 256
    if trouble == "is slow":
        numbers.goes_on.clear()
    try:
        assert state(legato, f"How can I {topic}?") == "miss"
    finally:
        numbers.works, numbers.length = True, 256
        numbers.goes_on.set()
    assert counted(legato, "embedder_failed") == before + 1


def test_an_embedder_of_unknown_length_is_refused(tmp_path: Path) -> None:
    config = CONFIG.replace("dimensions: 256, ", "").replace("ORACLE", "http://127.0.0.1:1")
    with pytest.raises(AssertionError, match=r"cache\.semantic\.dimensions"):
        RunningLegato(tmp_path, config.replace("NUMBERS", "http://127.0.0.1:1"))


def test_missing_weights_are_told_without_a_traceback(tmp_path: Path) -> None:
    config = CONFIG.replace("embedder: vectors, dimensions: 256, ", "embedder: minilm, ")
    with pytest.raises(AssertionError, match="legato local pull minilm") as told:
        RunningLegato(tmp_path, config.replace("ORACLE", "http://x").replace("NUMBERS", "http://x"))
    assert "Traceback" not in str(told.value)

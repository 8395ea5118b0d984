"""A replay of recorded arrivals with repeated meanings, ending with the money the cache saved.

python benchmarks/semantic_traffic.py TRACE [--requests 3000] [--embedder minilm --models DIR]

TRACE is CSV with the columns TIMESTAMP, ContextTokens and GeneratedTokens (as Azure's traces of
LLM inference have them), gzipped or not: when requests came and how large they and their answers
were. What was asked such traces don't tell, so questions are put in: a share of them (30 %) mean
what an earlier one meant, in other words. They are made up here, from things people do and ways to
ask how; `--questions FILE` takes others, with the columns `text` and `cluster`.

The server is real; the model behind it is one here, whose answer tells which meaning it answers, so
that each hit is known to be right or wrong. It reports the trace's tokens, so money is the trace's.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from legato.evaluation.question_files import read_questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY = "lg-the-key-of-this-replay"
START_S = 60.0
LEDGER_S = 60.0
CONFIG = """\
config_version: 1
cache: {{ttl_s: 86400, semantic: {{embedder: {embedder}, checks_usd_per_day: "1000"}}}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "{upstream}/v1"}}
deployments:
  - name: model
    provider: open
    model: m
    price: {{input_per_mtok: "2.5", output_per_mtok: "10"}}
routes:
  - {{alias: chat, deployments: [model], cache: {{semantic: {{bound: {bound}}}}}}}
keys:
  - {{name: replay, team: replay, feature: replay, secret: {{env: REPLAY_KEY}}}}
"""
WAYS = (
    "How do I {}?",
    "How can I {}?",
    "What is the best way to {}?",
    "Can you tell me how to {}?",
    "Please explain how to {}.",
    "I want to {}. How do I do that?",
    "What are the steps to {}?",
    "how to {}",
)
DOINGS = (
    "clean", "repair", "sell", "store", "insure", "photograph", "paint", "measure", "ship", "wrap",
    "choose", "weigh", "decorate", "rent out", "label", "lift", "draw", "protect", "recycle",
    "price",
)  # fmt: skip
THINGS = (
    "a leather sofa", "an oak table", "a racing bicycle", "a grand piano", "a silk carpet",
    "a marble statue", "a garden shed", "a wool coat", "a copper kettle", "a sailing boat",
    "an oil painting", "a stone wall", "a wooden door", "a glass vase", "a mountain tent",
    "a brass trumpet", "a steel gate", "a canvas bag", "a paper lantern", "a clay oven",
    "a coffee machine", "a bookshelf", "a greenhouse", "a fish tank", "a wedding dress",
    "a motorcycle", "a telescope", "a sewing machine", "a lawn mower", "a tiled roof",
    "a swimming pool", "a wine cellar", "a chess set", "a violin", "a microscope", "a rain barrel",
    "a hot air balloon", "a bee hive", "a church bell", "a dog kennel", "a wind chime",
    "a rocking chair", "a diving suit", "a ladder", "a hammock", "a saddle", "a treadmill",
    "a chandelier", "a fireplace", "a staircase", "a fountain", "a trampoline", "a typewriter",
    "a washing machine", "a water heater", "a solar panel", "a stamp collection", "a bunk bed",
    "a trailer", "a surfboard",
)  # fmt: skip


class Arrival(NamedTuple):
    at_s: float
    tokens_in: int
    tokens_out: int


class Asked(NamedTuple):
    arrival: Arrival
    text: str
    meaning: str
    redundant: bool
    """Somebody asked the same before."""


class Heard(NamedTuple):
    asked: Asked
    cache: str
    right: bool


def arrivals(path: Path, count: int) -> list[Arrival]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    rows = list(islice(csv.DictReader(text.splitlines()), count))
    times = [datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in rows]
    return [
        Arrival(
            (at - times[0]).total_seconds(), int(row["ContextTokens"]), int(row["GeneratedTokens"])
        )
        for at, row in zip(times, rows, strict=True)
    ]


def made_up() -> dict[str, list[str]]:
    """Return ways to ask by meaning."""
    meanings = [f"{doing} {thing}" for doing, thing in product(DOINGS, THINGS)]
    return {one: [way.format(one) for way in WAYS] for one in meanings}


def from_file(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in read_questions(path):
        found.setdefault(one.cluster, []).append(one.text)
    return {meaning: list(dict.fromkeys(texts)) for meaning, texts in found.items()}


def mixed(
    came: Sequence[Arrival], meanings: dict[str, list[str]], share: float, seed: int
) -> Iterator[Asked]:
    """Yield a question for each arrival; no text comes twice."""
    draw = random.Random(seed)
    fresh = list(meanings)
    draw.shuffle(fresh)
    fresh.sort(key=lambda one: len(meanings[one]) > 1)  # those that can be repeated come first
    known: dict[str, list[str]] = {}
    for arrival in came:
        again = bool(known) and draw.random() < share
        if not again and not fresh:
            return
        meaning = draw.choice(list(known)) if again else fresh.pop()
        left = known.get(meaning)
        if left is None:
            left = draw.sample(meanings[meaning], len(meanings[meaning]))
        text = left.pop()
        known[meaning] = left
        if not left:
            del known[meaning]
        yield Asked(arrival, text, meaning, again)


class Model:
    """Answers with the meaning of what it is asked, and the tokens of the trace."""

    def __init__(self, stream: Sequence[Asked]) -> None:
        model = self
        self.calls = 0
        self._asked = {one.text: one for one in stream}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                encoded = json.dumps(model.answer(body["messages"][-1]["content"])).encode()
                self.send_response(200)
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

    def answer(self, question: str) -> dict[str, Any]:
        self.calls += 1
        asked = self._asked[question]
        tokens = asked.arrival.tokens_in, asked.arrival.tokens_out
        message = {"role": "assistant", "content": told(asked.meaning)}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
            },
        }

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def told(meaning: str) -> str:
    return f"This is what there is to say about: {meaning}."


class Server:
    """A running `legato up`."""

    def __init__(self, folder: Path, config: str, models: Path | None) -> None:
        self.data, self.config = folder / "data", folder / "legato.yaml"
        self.config.write_text(config)
        if models is not None:
            self.data.mkdir()
            (self.data / "models").symlink_to(models.absolute())
        self.environment = {**os.environ, "REPLAY_KEY": KEY}
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [*self._command("up"), "--config", self.config, "--port", "0"],
            env=self.environment,
            stderr=self._log,
        )
        until = time.monotonic() + START_S
        while b"ready at" not in (folder / "log").read_bytes():
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.05)
        self.url = json.loads((self.data / "run" / "server.json").read_bytes())["url"]

    def printed(self, *arguments: str) -> Any:
        done = subprocess.run(
            [*self._command(*arguments), "--json"],
            env=self.environment,
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()

    def _command(self, *arguments: str) -> list[Any]:
        return [sys.executable, "-m", "legato", *arguments, "--data", self.data]


def replayed(url: str, stream: Sequence[Asked], speed: float, at_once: int) -> list[Heard]:
    """Ask all of it, as it came; `speed` 0: as fast as `at_once` connections can, in its order."""
    parts, began = urlsplit(url), time.monotonic()
    local = threading.local()

    def ask(asked: Asked) -> Heard:
        if speed:
            time.sleep(max(0.0, began + asked.arrival.at_s / speed - time.monotonic()))
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        turn = {"role": "user", "content": asked.text}
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        body = json.dumps({"model": "chat", "messages": [turn]})
        local.connection.request("POST", "/v1/chat/completions", body, headers)
        answer = local.connection.getresponse()
        read = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {read}")
        said = read["choices"][0]["message"]["content"]
        cache = (answer.getheader("x-legato-cache") or "").partition(";")[0]
        return Heard(asked, cache, said == told(asked.meaning))

    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(ask, stream))


def by_kind(server: Server, requests: int) -> dict[str, dict[str, Any]]:
    """Return the ledger's sums once it holds each request."""
    until = time.monotonic() + LEDGER_S
    while True:
        groups = server.printed("ledger", "sum", "--by", "kind")["groups"]
        found = {one["kind"]: one for one in groups}
        count = sum(found[kind]["attempts"] for kind in ("usage", "cache") if kind in found)
        if count >= requests or time.monotonic() > until:
            return found
        time.sleep(0.5)


def reported(heard: Sequence[Heard], model: Model, kinds: dict[str, Any]) -> dict[str, Any]:
    hits = [one for one in heard if one.cache in {"semantic", "hit"}]
    redundant = sum(one.asked.redundant for one in heard)
    # of two at the same time either may be the one that was asked for
    avoided = sum(one.right for one in hits)
    wrong = sum(not one.right for one in hits)
    cache, overhead = kinds.get("cache", {}), kinds.get("overhead", {})
    saved = float(cache.get("saved_usd", 0))
    checks = float(overhead.get("cost_usd", 0))
    entered = cache.get("attempts", 0)
    if entered != len(hits):
        raise SystemExit(f"{len(hits)} hits were seen, the ledger has {entered}")
    return {
        "requests": len(heard),
        "redundant": redundant,
        "hits": len(hits),
        "avoided": avoided,
        "avoided_share": avoided / max(redundant, 1),
        "wrong": wrong,
        "wrong_share": wrong / len(heard),
        "calls": model.calls,
        "usage_usd": float(kinds.get("usage", {}).get("cost_usd", 0)),
        "saved_usd": saved,
        "checks_usd": checks,
        "net_saved_usd": saved - checks,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("trace", type=Path)
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--repeats", type=float, default=0.3, help="share of repeated meanings")
    parser.add_argument("--bound", type=float, default=0.01)
    parser.add_argument("--embedder", default="wordllama")
    parser.add_argument("--models", type=Path, help="where pulled weights lie")
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--speed", type=float, default=0.0, help="times as fast as it came")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    meanings = from_file(options.questions) if options.questions else made_up()
    came = arrivals(options.trace, options.requests)
    stream = list(mixed(came, meanings, options.repeats, options.seed))
    model = Model(stream)
    with tempfile.TemporaryDirectory() as folder:
        config = CONFIG.format(embedder=options.embedder, upstream=model.url, bound=options.bound)
        server = Server(Path(folder), config, options.models)
        try:
            heard = replayed(server.url, stream, options.speed, options.at_once)
            report = reported(heard, model, by_kind(server, len(heard)))
            report["verified"] = server.printed("ledger", "verify")["ok"]
        finally:
            server.stop()
            model.stop()
    if options.json:
        print(json.dumps(report))
        return 0
    for name, value in report.items():
        print(f"{name:>15}  {value:.4f}" if isinstance(value, float) else f"{name:>15}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

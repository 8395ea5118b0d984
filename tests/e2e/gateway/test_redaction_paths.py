"""What is redacted stays so on every path a call can take, and lies in clear nowhere: case 32.

Each path is gone through a running program, on SQLite and on Postgres: every attempt is in the
provider's book, every answer has the values again, and the ledger adds up. In the end all that was
kept or said is searched: files, tables, log, metrics, exported traces.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from echo import PLACEHOLDER, Echo
from psycopg.sql import SQL, Identifier
from running import ADMIN, CALLER, RunningLegato, within
from test_redaction import PATHS, SURFACES, ask, asking, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running import Answer

POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
WHO = 'Zoe "Zz" O\\Quill-48151'
NUMBER = "staff-62342108"
PLANTED = (WHO, json.dumps(WHO)[1:-1], "O\\Quill-48151", "Quill-48151", NUMBER, "62342108")
TEXT = f"Dear {WHO}, is {NUMBER} yours?"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1DATABASE}
cache: {enabled: true, semantic: {check_share: 0.05}}
capture: {rules: [{payloads: full}]}
telemetry: {log_level: debug, otlp: {endpoint: "COLLECTOR/v1/traces", sample_share: 1.0}}
batches: {idle_s: 4}
retry: {attempts_max: 1}
breaker: {failures: 100000, window_calls: 100000}
providers:
  - {name: open, kind: openai_compatible, base_url: "ECHO/v1"}
  - {name: anthropic, kind: anthropic, base_url: "ECHO"}
deployments:
DEPLOYMENTS
routes:
  - {alias: hedged, deployments: [open-slow, anthropic-echo], hedge: {after_s: 0.1, max_share: 1}}
  - {alias: fallen, deployments: [open-down, anthropic-echo]}
  - {alias: lesser, deployments: [open-down], degrade: [anthropic-echo]}
  - alias: stepped
    deployments: [open-echo, anthropic-echo]
    strategy: cascade
    cascade: {steps: [open-echo, anthropic-echo], check: {lacks: "Dear"}}
  - alias: judged
    deployments: [open-echo, anthropic-echo]
    strategy: cascade
    cascade: {steps: [open-echo, anthropic-echo], check: {judge: open-judge}}
  - {alias: alike, deployments: [open-echo], cache: {semantic: {bound: 0.05}}}
  - {alias: patient, deployments: [open-echo], deferred: {hold_s: 30}}
  - {alias: mended, deployments: [open-mended], cache: {enabled: false}}
  - {alias: all-down, deployments: [open-down]}
  - {alias: copied, deployments: [anthropic-echo]}
  - {alias: chat, deployments: [open-echo]}
guardrails:
  policies:
    - name: company
      rules:
        - {name: people, detect: {patterns: {person: 'Zoe "Zz" O.{1,2}Quill-[0-9]{5}'}}, action: redact}
        - {name: numbers, detect: {patterns: {staff: "staff-[0-9]{8}"}}, action: redact}
    - name: json
      attach: {routes: [mended]}
      output: {json: {schema: {type: object, required: [who]}}, reasks_max: 2}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY},
     budget: {usd: "100", window: day}}
"""  # noqa: E501 - one rule a line
MODELS = ("echo", "slow", "down", "judge", "mended", "late", "hang", "tool")
PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
V1 = "/api/v1/registry"


class Collector(ThreadingHTTPServer):
    """What traces are exported to: it keeps the bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: list[bytes] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.taken.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """A fresh database of this Postgres, dropped in the end."""
    name = f"legato_paths_{secrets.token_hex(4)}"
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip("no Postgres answers (LEGATO_TEST_POSTGRES)")
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield POSTGRES.rpartition("/")[0] + f"/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


class World:
    """A running program, what is behind it, and where its tables are."""

    def __init__(self, legato: RunningLegato, echo: Echo, collector: Collector, url: str) -> None:
        self.legato, self.echo, self.collector, self.url = legato, echo, collector, url

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """All rows of all tables, as text: bytes in hexadecimal digits."""
        if not self.url:
            return
        with psycopg.connect(self.url) as database:
            tables = database.execute(
                "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type ="
                " 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            assert len(tables) > 20
            for schema, table in tables:
                every = SQL("SELECT t::text FROM {}.{} t").format(
                    Identifier(schema), Identifier(table)
                )
                for (row,) in database.execute(every):
                    yield table, row.encode()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("sqlite", marks=pytest.mark.slow),
        pytest.param("postgres", marks=pytest.mark.soak),
    ],
)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(own_database()) if request.param == "postgres" else ""
        echo, collector = Echo(), Collector()
        stack.callback(echo.stop)
        stack.callback(collector.server_close)
        stack.callback(collector.shutdown)
        deployments = "".join(
            f"  - {{name: {provider}-{model}, provider: {provider}, model: {model}, {PRICE}}}\n"
            for provider in ("open", "anthropic")
            for model in MODELS
        )
        config = CONFIG.replace("ECHO", echo.url).replace("DEPLOYMENTS\n", deployments)
        config = config.replace("COLLECTOR", f"http://127.0.0.1:{collector.server_port}")
        config = config.replace("DATABASE", ", url: {env: DATABASE_URL}" if url else "")
        folder = tmp_path_factory.mktemp("legato")
        legato = RunningLegato(folder, config, variables={"DATABASE_URL": url})
        stack.callback(legato.stop)
        yield World(legato, echo, collector, url)


def gone_through(world: World, surface: str, route: str, *, stream: bool, least: int = 1) -> Answer:
    """Ask by a path; nothing in clear is in the provider's book, and the caller reads it."""
    before = len(world.echo.bodies)
    answer = ask(world.legato, surface, route, TEXT, stream=stream)
    assert said(surface, answer, stream=stream)[0] == TEXT
    sent = [json.dumps(one, ensure_ascii=False) for one in world.echo.bodies[before:]]
    assert len(sent) >= least
    assert not [one for one in sent for value in PLANTED if value in one]
    tags = {frozenset(PLACEHOLDER.findall(one)) for one in sent}
    assert len(tags) == 1, "each attempt sees the same masked text"
    return answer


ways = pytest.mark.parametrize(
    ("surface", "stream"), [(one, stream) for one in SURFACES for stream in (False, True)]
)


@ways
@pytest.mark.parametrize("route", ["fallen", "lesser", "stepped", "judged", "hedged"])
def test_every_attempt_is_masked_and_the_caller_reads_plain(
    world: World, surface: str, route: str, *, stream: bool
) -> None:
    # what runs twice may not keep a conversation; what isn't one text of its own isn't checked
    least = 1 if surface == "responses" and route in {"hedged", "stepped", "judged"} else 2
    gone_through(world, surface, route, stream=stream, least=least)


def test_a_second_question_of_the_same_meaning_is_asked_again(world: World) -> None:
    for _ in range(2):
        answer = gone_through(world, "chat", "alike", stream=False)
        assert answer.headers["x-legato-cache"] == "bypass"


def test_what_may_wait_is_answered_plain(world: World) -> None:
    body = asking("chat", "patient", TEXT, stream=False) | {"service_tier": "flex"}
    before = len(world.echo.bodies)
    answer = world.legato.post(PATHS["chat"], body)
    assert answer.json["choices"][0]["message"]["content"] == TEXT
    assert "62342108" not in json.dumps(world.echo.bodies[before:])


@pytest.mark.parametrize("stream", [False, True])
def test_asking_again_is_masked(world: World, *, stream: bool) -> None:
    before = len(world.echo.bodies)
    answer = ask(world.legato, "chat", "mended", TEXT, stream=stream)
    assert json.loads(said("chat", answer, stream=stream)[0]) == {"who": TEXT}
    assert len(world.echo.bodies) == before + 2
    sent = json.dumps(world.echo.bodies[before:], ensure_ascii=False)
    assert not [value for value in PLANTED if value in sent]


def test_lines_of_a_batch_are_masked_and_answered_plain(world: World) -> None:
    legato, before = world.legato, len(world.echo.bodies)
    line = {"custom_id": "1", "method": "POST", "url": PATHS["chat"],
            "body": asking("chat", "chat", TEXT, stream=False)}  # fmt: skip
    form = (
        "--x\r\ncontent-disposition: form-data; name=purpose\r\n\r\nbatch\r\n"
        "--x\r\ncontent-disposition: form-data; name=file; filename=b.jsonl\r\n\r\n"
        f"{json.dumps(line)}\n\r\n--x--\r\n"
    )
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    file = legato.post("/v1/files", form.encode(), CALLER, multipart).json
    wanted = {"input_file_id": file["id"], "endpoint": PATHS["chat"], "completion_window": "24h"}
    batch = legato.post("/v1/batches", wanted).json

    def ended() -> Any:
        found = legato.get(f"/v1/batches/{batch['id']}").json
        return found if found["status"] == "completed" else None

    done = within(60, ended)
    out = legato.get(f"/v1/files/{done['output_file_id']}/content").json
    assert out["response"]["body"]["choices"][0]["message"]["content"] == TEXT
    sent = json.dumps(world.echo.bodies[before:], ensure_ascii=False)
    assert sent != "[]"
    assert not [value for value in PLANTED if value in sent]


def test_copies_to_a_candidate_are_masked(world: World) -> None:
    legato = world.legato
    path = f"{V1}/objects/prompt/greeting/versions"
    for text, to, labels in (("old", "chat", ["production"]), ("new", "copied", [])):
        spec = {"messages": [{"role": "system", "content": text}], "route": to}
        assert legato.post(path, {"spec": spec, "labels": labels}, ADMIN).status == 201
    users = count()

    def asked() -> Answer:
        body = asking("chat", "prompt:greeting", TEXT, stream=next(users) % 2 == 1)
        return legato.post(PATHS["chat"], body | {"user": f"u{next(users)}"})

    assert within(10, lambda: asked().status == 200)
    plan = {"mode": "shadow", "steps": [{"share_bp": 10_000, "for_s": 3600}],
            "budget_usd_per_day": "5"}  # fmt: skip
    wanted = {"name": "greeting", "candidate": "2", "plan": plan}
    begun = legato.post(f"{V1}/rollouts", wanted, ADMIN)
    assert begun.status == 201, begun.body
    before = len(world.echo.bodies)

    def copied() -> bool:
        assert asked().status == 200
        found = legato.get(f"{V1}/rollouts/{begun.json['id']}", ADMIN).json
        return bool(found["shadow"]["sent"])

    assert within(20, copied)
    sent = json.dumps(world.echo.bodies[before:], ensure_ascii=False)
    assert '"new"' in sent
    assert not [value for value in PLANTED if value in sent]


def test_evaluations_and_their_judges_are_masked(world: World, tmp_path: Path) -> None:
    legato, before = world.legato, len(world.echo.bodies)
    lines = tmp_path / "cases.jsonl"
    message = {"role": "user", "content": TEXT}
    case = {"input": {"messages": [message]}, "expected": TEXT, "context": [TEXT]}
    lines.write_text(json.dumps(case) + "\n")
    legato.command("datasets", "import", "letters", str(lines))
    levels = [{"value": 1, "meaning": "no"}, {"value": 5, "meaning": "yes"}]
    criteria = [{"name": "right", "question": f"Is it as {WHO} says?", "levels": levels}]
    spec = {"model": "open-judge", "rubric": {"criteria": criteria}}
    made = legato.post(f"{V1}/objects/judge/grader/versions", {"spec": spec}, ADMIN)
    assert made.status == 201, made.body
    scorers = [
        {"use": "exact"},
        {"use": "judge", "judge": "grader@1"},
        {"use": "semantic", "model": "open-echo"},
    ]
    models = ["chat", "anthropic-echo"]
    suite = {"dataset": "letters", "models": models, "scorers": scorers}
    run = legato.post("/api/v1/evaluations", {"suite": suite}, ADMIN)
    assert run.status == 201, run.body
    path = f"/api/v1/evaluations/{run.json['id']}"
    going = {"waiting", "running"}
    assert within(60, lambda: legato.get(path, ADMIN).json["status"] not in going)
    sent = world.echo.bodies[before:]
    asked = {one["model"] for one in sent}
    assert {"echo", "judge"} <= asked, "a model's answer was judged"
    assert any("input" in one for one in sent), "texts were embedded"
    written = json.dumps(sent, ensure_ascii=False)
    assert not [value for value in PLANTED if value in written]


def test_batches_for_a_providers_own_lane_are_masked(world: World) -> None:
    """A policy keeps lines from going out in a file that nobody looked into."""
    before = len(world.echo.bodies)
    body = asking("messages", "chat", TEXT, stream=False)
    wanted = {"requests": [{"custom_id": "one", "params": body}]}
    batch = world.legato.post("/v1/messages/batches", wanted)
    assert batch.status == 200, batch.body
    path = f"/v1/messages/batches/{batch.json['id']}"
    assert within(60, lambda: world.legato.get(path).json["processing_status"] == "ended")
    told = world.legato.get(f"{path}/results").json
    assert told["result"]["message"]["content"][0]["text"] == TEXT
    sent = json.dumps(world.echo.bodies[before:], ensure_ascii=False)
    assert len(world.echo.bodies) > before
    assert not [value for value in PLANTED if value in sent]


@pytest.mark.parametrize("model", ["open-echo", "chat"])
def test_what_nobody_can_look_into_is_refused(world: World, model: str) -> None:
    legato, before = world.legato, len(world.echo.bodies)
    said = {"model": model, "input": TEXT, "voice": "alloy"}
    drawn = {"model": model, "prompt": TEXT}
    form = (
        f"--x\r\ncontent-disposition: form-data; name=model\r\n\r\n{model}\r\n"
        f"--x\r\ncontent-disposition: form-data; name=prompt\r\n\r\n{TEXT}\r\n"
        "--x\r\ncontent-disposition: form-data; name=file; filename=a.wav\r\n\r\n"
        "RIFF\r\n--x--\r\n"
    ).encode()
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    for path, body, headers in (
        ("/v1/audio/speech", said, None),
        ("/v1/images/generations", drawn, None),
        ("/v1/audio/transcriptions", form, multipart),
    ):
        answer = legato.post(path, body, CALLER, headers)
        assert answer.status in {400, 404}, (path, answer.body)
        assert not [value for value in PLANTED if value in answer.body.decode()]
    assert len(world.echo.bodies) == before


@pytest.mark.parametrize("surface", SURFACES)
def test_errors_and_streams_that_break_say_nothing(world: World, surface: str) -> None:
    legato, before = world.legato, len(world.echo.bodies)
    refused = legato.post(PATHS[surface], asking(surface, "all-down", TEXT, stream=False))
    assert refused.status == 503
    assert not [value for value in PLANTED if value in refused.body.decode()]
    broken = ask(legato, surface, "open-late", TEXT, stream=True)
    assert b"error" in broken.body
    with contextlib.closing(legato.connection()) as connection:  # a caller who leaves
        body = json.dumps(asking(surface, "open-hang", TEXT, stream=True))
        headers = {"authorization": f"Bearer {CALLER}", "content-type": "application/json"}
        connection.request("POST", PATHS[surface], body, headers)
        assert connection.getresponse().read(10)
    sent = json.dumps(world.echo.bodies[before:], ensure_ascii=False)
    assert not [value for value in PLANTED if value in sent]


def test_feedback_and_kept_responses_are_sealed(world: World) -> None:
    answer = gone_through(world, "responses", "chat", stream=False)
    read = world.legato.get(f"{PATHS['responses']}/{answer.json['id']}").json
    assert read["output"][0]["content"][0]["text"] == TEXT
    told = {"request_id": answer.request_id, "comment": TEXT}
    given = world.legato.post("/v1/feedback", told)
    assert given.status in {200, 201, 202}, given.body


def test_at_last_nothing_lies_in_clear_and_the_books_add_up(world: World) -> None:
    """Last: all that was kept or said is searched, after a kill -9 in mid-stream, too."""
    legato = world.legato
    before = legato.log.read_bytes()
    with contextlib.closing(legato.connection()) as connection:
        body = json.dumps(asking("chat", "open-hang", TEXT, stream=True))
        headers = {"authorization": f"Bearer {CALLER}", "content-type": "application/json"}
        connection.request("POST", PATHS["chat"], body, headers)
        assert connection.getresponse().read(10)
        legato.kill()
    at_kill = dict(kept(world))
    legato.start()
    gone_through(world, "chat", "chat", stream=False)
    assert within(15, lambda: world.collector.taken), "no trace was exported"
    metrics = legato.get("/metrics", ADMIN).body
    time.sleep(1.5)  # a snapshot of the metrics, a flush of the caches
    while_running = dict(kept(world))
    verified = legato.command("ledger", "verify")
    assert legato.stop() == 0
    said_of = {"log": before + legato.log.read_bytes(), "metrics": metrics}
    said_of["traces"] = b"".join(world.collector.taken)
    said_of["ledger verify"] = verified.encode()
    found = sorted(
        {
            f"{value!r} in {where}"
            for seen in (at_kill, while_running, dict(kept(world)), said_of)
            for where, data in seen.items()
            for value in PLANTED
            if any(disguise in data for disguise in disguises(value))
        }
    )
    assert found == []
    assert any(b"platform" in data for data in while_running.values()), "the search sees nothing"
    assert b"Traceback" not in said_of["log"]


def kept(world: World) -> Iterator[tuple[str, bytes]]:
    """Every file, and every row of a database elsewhere."""
    for path, content in world.legato.stored():
        yield str(path.relative_to(world.legato.data)), content
    tables: dict[str, list[bytes]] = {}
    for table, row in world.rows():
        tables.setdefault(table, []).append(row)
    yield from ((f"table {name}", b"\n".join(rows)) for name, rows in tables.items())


def disguises(value: str) -> list[bytes]:
    raw = value.encode()
    shifted = [base64.b64encode(b"\0" * by + raw)[4 * bool(by) : -4] for by in range(3)]
    return [raw, raw.hex().encode(), *(one for one in shifted if len(one) >= 8)]

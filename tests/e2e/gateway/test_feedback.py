"""Feedback through the running program, with two workers, on both databases; the page that shows
how is run as it stands."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shlex
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from running import ADMIN, CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1DATABASE}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: open, model: l, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: strange, org: elsewhere, team: x, feature: y, secret: {env: STRANGE_KEY}}
"""
STRANGE = "lg-a-key-of-another-organisation"
POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "feedback.md").read_text()
ADDRESS = "http://127.0.0.1:8790"
SECRET_WORD = "peregrination"
FEEDBACK, LISTED = "/v1/feedback", "/api/v1/feedback"


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """A fresh database of this Postgres, dropped in the end."""
    name = f"legato_feedback_{secrets.token_hex(4)}"
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip("no Postgres answers (LEGATO_TEST_POSTGRES)")
    with admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        try:
            yield POSTGRES.rpartition("/")[0] + f"/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def legato(
    request: pytest.FixtureRequest,
    upstream_of_module: SimulatedChild,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url)
    variables = {"STRANGE_KEY": STRANGE}
    with contextlib.ExitStack() as stack:
        named = ""
        if request.param == "postgres":
            variables["FEEDBACK_DATABASE"] = stack.enter_context(own_database())
            named = ", url: {env: FEEDBACK_DATABASE}"
        running = RunningLegato(
            tmp_path_factory.mktemp("feedback"),
            config.replace("DATABASE", named),
            workers=2,
            variables=variables,
        )
        yield running
        assert running.stop() == 0
        log = running.log.read_text()
        assert "Traceback" not in log
        assert SECRET_WORD not in log


def tell(legato: RunningLegato, request_id: str, key: str = CALLER, **said: Any) -> Answer:
    return legato.post(FEEDBACK, {"request_id": request_id, **said}, key)


def listed(legato: RunningLegato, query: str, key: str = ADMIN) -> list[dict[str, Any]]:
    answer = legato.get(f"{LISTED}?{query}", key)
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = answer.json["data"]
    return rows


def tied(legato: RunningLegato, request_id: str) -> dict[str, Any]:
    """The one word on a request, once the ledger knows the answer."""

    def found() -> dict[str, Any] | None:
        (row,) = listed(legato, f"request_id={request_id}")
        return row if row["answer"] else None

    row = within(10, found)
    assert row, "the ledger never learned of the answer"
    told: dict[str, Any] = row
    return told


def test_what_is_said_stands_beside_the_answer(legato: RunningLegato) -> None:
    asked = legato.chat("chat", user="ann").request_id
    first = tell(legato, asked, user="ann", thumbs="up", correction={"text": SECRET_WORD})
    assert first.status == 200, first.body
    assert first.json["object"] == "feedback"
    again = tell(legato, asked, user="ann", score=0.5, outcome="rework", comment="too long")
    assert again.json["id"] == first.json["id"]
    row = tied(legato, asked)
    assert (row["thumbs"], row["score"], row["outcome"]) == ("up", 0.5, "rework")
    assert (row["correction"], row["comment"]) == ({"text": SECRET_WORD}, "too long")
    assert row["answer"]["deployment"] == "small"
    assert (row["answer"]["team"], row["answer"]["feature"]) == ("platform", "tests")
    entry = legato.get(f"/api/v1/ledger/entries?request_id={asked}", ADMIN).json["data"][0]
    assert row["user"] == entry["user"] != "ann"
    assert tell(legato, asked, user="ann", thumbs=None, score=None).status == 200
    assert tied(legato, asked)["thumbs"] is None
    gone = dict.fromkeys(("outcome", "correction", "comment"))
    assert tell(legato, asked, user="ann", **gone).json["deleted"] is True
    assert listed(legato, f"request_id={asked}") == []


def test_the_same_words_sent_again_by_any_worker_are_one(legato: RunningLegato) -> None:
    asked = legato.chat("small").request_id
    ids = set()
    for worker in (0, 1, 0, 1):
        with legato.only_worker(worker):
            ids.add(tell(legato, asked, thumbs="down").json["id"])
    assert len(ids) == 1
    assert len(listed(legato, f"request_id={asked}")) == 1


def test_it_may_come_before_the_ledger_knows_and_of_what_never_was(
    legato: RunningLegato,
) -> None:
    never = "019a0000" + "7000".rjust(8, "0") + secrets.token_hex(8)
    foreign = legato.chat("small", key=STRANGE).request_id
    answers = [tell(legato, one, thumbs="up") for one in (never, foreign)]
    assert [answer.status for answer in answers] == [200, 200]
    assert {frozenset(answer.json) for answer in answers} == {frozenset(answers[0].json)}
    query = f"/api/v1/ledger/entries?request_id={foreign}"
    assert within(10, lambda: legato.get(query, ADMIN).json["data"])
    for request_id in (never, foreign):
        (row,) = listed(legato, f"request_id={request_id}")
        assert (row["org"], row["answer"]) == ("default", None)


def test_another_organisation_sees_and_changes_nothing(legato: RunningLegato) -> None:
    asked = legato.chat("small").request_id
    assert tell(legato, asked, thumbs="up").status == 200
    assert tell(legato, asked, STRANGE, thumbs="down").status == 200

    def known() -> dict[str, dict[str, Any]] | None:
        both = {row["org"]: row for row in listed(legato, f"request_id={asked}")}
        return both if both["default"]["answer"] else None

    both = within(10, known)
    assert {org: row["thumbs"] for org, row in both.items()} == {
        "default": "up",
        "elsewhere": "down",
    }
    assert both["elsewhere"]["answer"] is None
    made = legato.create_key("--org", "elsewhere", "--permission", "control:feedback:read")
    assert {row["org"] for row in listed(legato, "", made["secret"])} == {"elsewhere"}
    assert legato.get(f"{LISTED}?org=default", made["secret"]).status == 404
    assert legato.get(LISTED, CALLER).status == 403


def test_it_is_summed_by_what_answered(legato: RunningLegato) -> None:
    for number, thumbs in enumerate(("up", "up", "down")):
        asked = legato.chat("large", question=f"q{number}").request_id
        tell(legato, asked, thumbs=thumbs, score=number / 2, outcome="accepted")
        tied(legato, asked)
    (large,) = legato.get(f"{LISTED}/summary?deployment=large", ADMIN).json["data"]
    assert large["group"] == {"deployment": "large"}
    assert (large["count"], large["requests"], large["score_mean"]) == (3, 3, 0.5)
    assert large["thumbs_up_share"] == pytest.approx(2 / 3)
    assert (large["accepted_share"], large["rework"]) == (1.0, 0)
    refused = legato.get(f"{LISTED}/summary?by=colour", ADMIN)
    assert (refused.status, refused.error["field"]) == (400, "by")


def test_versions_of_a_prompt_are_told_apart(legato: RunningLegato, tmp_path: Path) -> None:
    for version, label in (("Be brief.", "production"), ("Be kind.", "trial")):
        kept = tmp_path / f"{label}.yaml"
        messages = json.dumps([{"role": "system", "content": version}])
        spec = f"spec: {{messages: {messages}, route: chat}}"
        kept.write_text(f"kind: prompt\nname: reply\nlabels: [{label}]\n{spec}\n")
        legato.command("registry", "save", str(kept), "--reason", "told apart")
    verdicts = {"production": ("up", "up", "down"), "trial": ("down", "down")}
    named = {}
    for label, thumbs in verdicts.items():
        model = f"prompt:reply@{label}"
        assert within(5, lambda: legato.chat(model).status == 200)  # noqa: B023 - called at once
        for one in thumbs:
            answer = legato.chat(model)
            named[label] = answer.headers["x-legato-versions"]
            tell(legato, answer.request_id, thumbs=one)
            assert tied(legato, answer.request_id)["answer"]["versions"] == named[label]
    query = f"{LISTED}/summary?by=versions&route=chat"
    found = {one["group"]["versions"]: one for one in legato.get(query, ADMIN).json["data"]}
    shares = {label: found[versions]["thumbs_up_share"] for label, versions in named.items()}
    assert shares == {"production": pytest.approx(2 / 3), "trial": 0.0}
    trial = f"{LISTED}?versions={named['trial']}"
    assert len(legato.get(trial, ADMIN).json["data"]) == 2


def test_a_text_that_no_database_holds_is_the_callers_to_mend(legato: RunningLegato) -> None:
    refused = [
        legato.get(f"{path}?feature=%00", ADMIN)
        for path in (LISTED, f"{LISTED}/summary", "/api/v1/ledger/entries")
    ]
    refused += [
        legato.post("/api/v1/organisations", {"name": "zero", "title": title}, ADMIN)
        for title in ("a\x00b", "\\\x00")
    ]
    assert {(answer.status, answer.error["code"]) for answer in refused} == {
        (400, "invalid_request")
    }
    plain = {"name": "plain", "title": "\\u0000"}
    assert legato.post("/api/v1/organisations", plain, ADMIN).json["title"] == "\\u0000"


def test_what_does_not_fit_is_refused_by_name(legato: RunningLegato) -> None:
    asked = legato.chat("small").request_id
    for said, param in (
        ({"thumbs": "sideways"}, "thumbs"),
        ({"score": 2}, "score"),
        ({"stars": 5}, "stars"),
        ({}, None),
    ):
        answer = tell(legato, asked, **said)
        assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert legato.post(FEEDBACK, b'{"thumbs": "up"').status == 400
    assert legato.post(FEEDBACK, b"{}", "lg-nobody").status == 401


def test_what_was_written_lies_sealed(legato: RunningLegato) -> None:
    asked = legato.chat("small").request_id
    tell(legato, asked, user="ann", comment=SECRET_WORD, correction=SECRET_WORD)
    assert [row["comment"] for row in listed(legato, f"request_id={asked}")] == [SECRET_WORD]
    assert [path for path, content in legato.stored() if SECRET_WORD.encode() in content] == []
    if "FEEDBACK_DATABASE" in legato.environment:
        with psycopg.connect(legato.environment["FEEDBACK_DATABASE"]) as database:
            found = database.execute(
                "SELECT comment, correction, end_user FROM feedback WHERE request_id = %s", (asked,)
            )
            ((comment, correction, user),) = found.fetchall()
        assert SECRET_WORD.encode() not in comment + correction
        assert "ann" not in user


def test_while_the_database_is_locked_it_is_told_when_to_come_back(legato: RunningLegato) -> None:
    if "FEEDBACK_DATABASE" in legato.environment:
        pytest.skip("Postgres locks no whole database")
    asked = legato.chat("small").request_id
    with contextlib.closing(sqlite3.connect(legato.data / "legato.db", timeout=10)) as database:
        database.isolation_level = None
        database.execute("BEGIN EXCLUSIVE")
        with legato.only_worker(0):
            for slowest_s in (8, 1):
                began_s = time.monotonic()
                away = tell(legato, asked, thumbs="up")
                assert time.monotonic() - began_s < slowest_s
                assert (away.status, away.error["code"]) == (503, "storage_unavailable")
                assert away.headers["retry-after"] == "1"
                assert away.headers["x-should-retry"] == "true"
            assert legato.chat("small").status == 200, "nobody else waits"
        database.execute("ROLLBACK")
    with legato.only_worker(0):  # which was sent away, and asks nothing for a second
        assert within(5, lambda: tell(legato, asked, thumbs="up").status == 200)


def test_the_page_runs_as_it_stands(legato: RunningLegato, tmp_path: Path) -> None:
    program = tmp_path / "page.py"
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    program.write_text("\n".join([*blocks, "print(request_id)"]).replace(ADDRESS, legato.url))
    done = subprocess.run(
        [sys.executable, str(program)],
        env={"PATH": os.environ["PATH"], "LEGATO_KEY": CALLER},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = tied(legato, done.stdout.split()[-1])
    assert (row["thumbs"], row["outcome"]) == (None, "rework")
    assert (row["correction"], row["comment"]) == (
        "Your parcel comes on Monday.", "Right, but too long.",
    )  # fmt: skip
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
    commands = re.findall(r"^legato (.*)$", shell, re.MULTILINE)
    printed = [legato.command(*shlex.split(one)) for one in commands]
    assert row["request_id"] in printed[0]
    texts = [json.loads(line)["correction"] for line in printed[1].splitlines()]
    assert "Your parcel comes on Monday." in texts
    assert "small" in printed[2]
    (path,) = re.findall(rf'"{ADDRESS}(\S+)"', shell)
    groups = [one["group"] for one in legato.get(path, ADMIN).json["data"]]
    assert {"deployment": "small", "feature": "tests"} in groups

"""Responses that are kept: followed, shown, listed, deleted; sealed; apart by organisation."""

from __future__ import annotations

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import ResponseItemList
from responses_events import events, valid
from running import CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: true}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: other, kind: anthropic, base_url: "UPSTREAM"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
routes:
  - {alias: chat, deployments: [small], cache: {enabled: false}}
  - {alias: translated, deployments: [claude], cache: {enabled: false}}
  - {alias: cached, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: strange, org: elsewhere, team: x, feature: y, secret: {env: STRANGE_KEY}}
"""
STRANGE = "lg-a-key-of-another-organisation"
VARIABLES = {"STRANGE_KEY": STRANGE}
PATH = "/v1/responses"
SECRET_WORD = "peregrination"
BOTH = pytest.mark.parametrize("model", ["chat", "translated"])


@pytest.fixture
def client(legato: RunningLegato, upstream: SimulatedChild) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def count(legato: RunningLegato) -> int:
    found: int = legato.query("SELECT count(*) AS n FROM stored_response")[0]["n"]
    return found


def waiting(legato: RunningLegato) -> int:
    return len(list((legato.data / "responses").iterdir()))


@BOTH
def test_a_conversation_goes_on_by_its_last_answer(
    client: OpenAI, upstream: SimulatedChild, model: str
) -> None:
    first = client.responses.create(model=model, input="My name is Alice.", instructions="Short.")
    with client.responses.stream(
        model=model, input="I live in Wien.", previous_response_id=first.id
    ) as stream:
        second = stream.until_done().get_final_response()
    third = client.responses.create(model=model, input="Who am I?", previous_response_id=second.id)
    by_hand: Any = [
        {"role": "user", "content": "My name is Alice."},
        {"role": "assistant", "content": first.output_text},
        {"role": "user", "content": "I live in Wien."},
        {"role": "assistant", "content": second.output_text},
        {"role": "user", "content": "Who am I?"},
    ]
    assert third.output_text == client.responses.create(model=model, input=by_hand).output_text
    assert third.previous_response_id == second.id
    branch = client.responses.create(model=model, input="Who?", previous_response_id=first.id)
    assert branch.status == "completed"


def test_a_kept_response_is_shown_listed_referred_to_and_deleted(
    legato: RunningLegato, client: OpenAI
) -> None:
    given: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "One."}]},
        {"role": "user", "content": "Two."},
    ]
    made = client.responses.create(model="chat", input=given, metadata={"a": "b"})
    shown = legato.get(f"{PATH}/{made.id}")
    assert valid(shown.json)["output"] == made.model_dump()["output"] or shown.json["id"] == made.id
    assert client.responses.retrieve(made.id).output_text == made.output_text
    listed = legato.get(f"{PATH}/{made.id}/input_items?order=asc&limit=1").json
    ResponseItemList.model_validate(listed)
    assert [item["content"][0]["text"] for item in listed["data"]] == ["One."]
    assert listed["has_more"] is True
    items = list(client.responses.input_items.list(made.id, limit=1))
    assert len(items) == 2
    reference: Any = [
        {"type": "item_reference", "id": made.output[0].id},
        {"role": "user", "content": "Go on."},
    ]
    assert client.responses.create(model="chat", input=reference).output_text
    client.responses.delete(made.id)
    for call in (
        lambda: client.responses.retrieve(made.id),
        lambda: client.responses.delete(made.id),
        lambda: client.responses.create(model="chat", input="x", previous_response_id=made.id),
        lambda: client.responses.create(model="chat", input=reference),
    ):
        with pytest.raises(openai.NotFoundError):
            call()


def test_what_follows_a_deleted_answer_is_refused(client: OpenAI) -> None:
    first = client.responses.create(model="chat", input="a")
    second = client.responses.create(model="chat", input="b", previous_response_id=first.id)
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError) as gone:
        client.responses.create(model="chat", input="c", previous_response_id=second.id)
    assert gone.value.code == "previous_response_not_found"


def test_nothing_is_kept_that_should_not_be(legato: RunningLegato, client: OpenAI) -> None:
    made = client.responses.create(model="chat", input="hi", store=False)
    assert valid(made.model_dump())["id"] == made.id
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    failed = legato.post(PATH, {"model": "chat", "input": "hi", "truncation": "auto"})
    assert failed.status == 400


def test_another_organisation_sees_nothing(legato: RunningLegato, client: OpenAI) -> None:
    made = client.responses.create(model="chat", input="hi")
    assert legato.get(f"{PATH}/{made.id}").status == 200
    followed = {"model": "chat", "input": "x", "previous_response_id": made.id}
    foreign = [
        legato.get(f"{PATH}/{made.id}", STRANGE),
        legato.get(f"{PATH}/{made.id}/input_items", STRANGE),
        legato.send("DELETE", f"{PATH}/{made.id}", None, {"authorization": f"Bearer {STRANGE}"}),
        legato.post(PATH, followed, STRANGE),
    ]
    assert [answer.status for answer in foreign] == [404] * 4
    assert {answer.error["code"] for answer in foreign} == {"previous_response_not_found"}
    assert within(5, lambda: waiting(legato) == 0)
    assert legato.get(f"{PATH}/{made.id}", STRANGE).status == 404
    assert legato.get(f"{PATH}/{made.id}").status == 200


@pytest.mark.parametrize("name", ["resp_1", "..%2f..%2fmaster.key", "resp_" + "0" * 32, "x" * 500])
def test_an_id_nobody_made_is_not_found(legato: RunningLegato, name: str) -> None:
    assert legato.get(f"{PATH}/{name}").status == 404
    body = {"model": "chat", "input": "x", "previous_response_id": name}
    assert legato.post(PATH, body).status == 404


def test_pages_ask_for_a_key(legato: RunningLegato) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/input_items")):
        answer = legato.send(method, f"{PATH}/resp_{'0' * 32}{path}", None, {})
        assert answer.status == 401


def test_no_text_is_stored_in_the_clear(legato: RunningLegato, client: OpenAI) -> None:
    made = client.responses.create(model="chat", input=f"A {SECRET_WORD}?")
    assert within(5, lambda: waiting(legato) == 0)
    (row,) = legato.query("SELECT sealed FROM stored_response WHERE id = ?", made.id)
    assert SECRET_WORD.encode() not in row["sealed"]
    assert [path for path, kept in legato.stored() if SECRET_WORD.encode() in kept] == []


def hit(legato: RunningLegato, body: dict[str, Any]) -> Any:
    """The answer of whichever worker has it in its cache."""
    answer = legato.post(PATH, body)
    return answer if answer.headers["x-legato-cache"] == "hit" else None


def test_an_answer_from_the_cache_is_a_response_of_its_own(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    del upstream
    for stream in (False, True):
        body = {"model": "cached", "input": f"Once, {stream}.", "stream": stream}
        first = legato.post(PATH, body)
        again = within(5, lambda: hit(legato, body))  # noqa: B023 -- called at once
        assert first.headers["x-legato-cache"] == "miss"
        ids = []
        for answer in (first, again):
            made = events(answer)[-1]["response"] if stream else valid(answer.json)
            ids.append(made["id"])
            assert made["id"][5:] in made["output"][0]["id"]
            assert valid(legato.get(f"{PATH}/{made['id']}").json)["output"] == made["output"]
        assert ids[0] != ids[1]


def test_the_next_turn_finds_the_last_whichever_worker_it_reaches(client: OpenAI) -> None:
    def talk(number: int) -> bool:
        previous = None
        for turn in range(5):
            made = client.responses.create(
                model="chat",
                input=f"{number}.{turn}",
                previous_response_id=previous,
                extra_headers={"connection": "close"},
            )
            previous = made.id
        return made.status == "completed"

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(talk, range(4)))


@contextlib.contextmanager
def locked(legato: RunningLegato) -> Iterator[None]:
    """Hold the write lock of the database."""
    with contextlib.closing(sqlite3.connect(legato.data / "legato.db", timeout=10)) as database:
        database.isolation_level = None
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


def test_while_the_database_is_away_nothing_is_lost(legato: RunningLegato, client: OpenAI) -> None:
    assert within(5, lambda: waiting(legato) == 0)
    before = count(legato)
    with locked(legato):
        made = [client.responses.create(model="chat", input=f"{n}", timeout=2) for n in range(5)]
        followed = client.responses.create(
            model="chat", input="on", previous_response_id=made[0].id, timeout=2
        )
        assert count(legato) == before
    assert within(15, lambda: count(legato) == before + 6), (
        count(legato),
        before,
        waiting(legato),
        legato.log.read_text()[-3000:],
    )
    assert within(5, lambda: waiting(legato) == 0)
    for one in (*made, followed):
        assert client.responses.retrieve(one.id).id == one.id


def test_where_neither_disk_nor_database_takes_it_the_answer_says_so(
    legato: RunningLegato, client: OpenAI
) -> None:
    folder = legato.data / "responses"
    assert within(5, lambda: waiting(legato) == 0)
    hidden = folder.with_name("hidden")
    folder.rename(hidden)
    try:
        made = client.responses.create(model="chat", input="by the database alone")
        assert client.responses.retrieve(made.id).id == made.id
        with locked(legato):
            whole = legato.post(PATH, {"model": "chat", "input": "x"})
            stream = legato.post(PATH, {"model": "chat", "input": "y", "stream": True})
    finally:
        hidden.rename(folder)
    assert valid(whole.json)["store"] is False
    assert whole.json["output"]
    assert events(stream)[-1]["response"]["store"] is False
    assert legato.get(f"{PATH}/{whole.json['id']}").status == 404
    assert "could not be kept" in legato.log.read_text()

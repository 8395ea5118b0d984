"""Schedules begin runs of a running Legato: each time once, made up for, paused, shown."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from firing import ADMIN, Firing, within

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE_S = 60.0
EVERY = {
    "name": "t",
    "kind": "schedule",
    "settings": {"cron": "* * * * *", "time_zone": "Europe/Vienna"},
    "input": {"n": "${ int(event.id.substring(event.id.size() - 6, event.id.size() - 4)) }"},
}
YEARLY = {**EVERY, "settings": {"cron": "0 0 1 1 *"}, "input": {"n": 1}}


@pytest.fixture(scope="module")
def firing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firing]:
    found = Firing(tmp_path_factory.mktemp("schedules"), {}, {}, workers=1)
    yield found
    assert found.legato.stop() == 0


def command(firing: Firing, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "legato", "triggers", *arguments],
        env=firing.legato.environment
        | {"LEGATO_KEY": ADMIN, "LEGATO_DATA": str(firing.legato.data)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.timeout(400)
def test_a_time_begins_one_run_and_a_killed_process_none_more(firing: Firing) -> None:
    firing.save("minutely", EVERY)
    assert within(30, lambda: firing.trigger("minutely")["listening"])  # it woke the process
    assert within(MINUTE_S + 30, lambda: firing.runs("minutely"))
    firing.legato.kill()
    firing.legato.start()
    assert within(2 * MINUTE_S + 30, lambda: len(firing.runs("minutely")) >= 2)
    began = firing.inputs("minutely")
    assert len(began) == len(set(began))
    assert {one["origin"] for one in firing.runs("minutely")} == {"trigger:t"}
    firing.save("minutely")  # the trigger is gone with the next version
    assert within(10, lambda: not firing.trigger("minutely")["in_force"])


def test_times_of_a_span_are_made_up_for_once(firing: Firing) -> None:
    firing.save("yearly", YEARLY)
    span = ("--since", "2020-01-01T00:00:00Z", "--until", "2025-01-01T00:00:00Z", "yearly/t")
    first, again = command(firing, "backfill", *span), command(firing, "backfill", *span)
    assert first.stdout == "5 begun, 0 had begun before\n", first.stderr
    assert again.stdout == "0 begun, 5 had begun before\n"
    firing.comes_to("yearly", [1] * 5)
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    ahead = command(firing, "backfill", "--since", later, "--until", later, "yearly/t")
    assert ahead.returncode != 0
    acts = firing.legato.get("/api/v1/audit/events?action=trigger.backfill", ADMIN).json["data"]
    assert [one["details"]["runs"] for one in acts] == [0, 5]


@pytest.mark.timeout(300)
def test_a_long_span_is_made_up_for_in_parts(firing: Firing) -> None:
    firing.save("often", {**EVERY, "settings": {"cron": "* * * * *", "overlap": "allow"}})
    span = ("--since", "2024-02-01T00:00:00Z", "--until", "2024-02-01T04:10:00Z", "often/t")
    done = command(firing, "backfill", *span)
    assert done.stdout == "250 begun, 0 had begun before\n", done.stderr
    assert " begun, up to 2024-02-01T0" in done.stderr
    firing.save("often")
    path = "/api/v1/audit/events?action=trigger.backfill&limit=100"
    acts = firing.legato.get(path, ADMIN).json["data"]
    parts = [one["details"]["runs"] for one in acts if one["subject"]["id"] == "often/t"]
    assert (sum(parts), max(parts) <= 200, len(parts) > 1) == (250, True, True)


def test_what_became_no_run_is_listed_begun_and_dismissed(firing: Firing) -> None:
    firing.save("orders", {"name": "t", "kind": "event", "settings": {"type": "paid"}})
    legato = firing.legato
    for number, given in enumerate(("one", "two", "three")):
        event = {"specversion": "1.0", "id": str(number), "source": "/shop", "type": "paid",
                 "data": {"n": given}}  # fmt: skip
        sent = legato.post("/api/v1/workflow-events", event, ADMIN)
        assert sent.status < 300, sent.body
    listed = command(firing, "dead-letters", "--workflow", "orders", "--json")
    first, second, third = (one["id"] for one in reversed(json.loads(listed.stdout)))
    told = command(firing, "dead-letters", "--workflow", "orders").stdout
    assert all(one in told for one in (first, second, third)), told
    assert first not in command(firing, "dead-letters", "--workflow", "other").stdout
    whole = json.loads(command(firing, "dead-letters", first).stdout)
    assert (whole["event"]["data"], whole["state"]) == ({"n": "one"}, "open")
    still = command(firing, "redrive", first)
    assert (still.returncode, "n" in still.stderr) == (1, True), still
    begun = command(firing, "redrive", first, "--event", '{"data": {"n": 1}}')
    assert begun.stdout == f"run {first}\n", begun.stderr
    firing.comes_to("orders", [1])
    twice = command(firing, "redrive", first, "--event", '{"data": {"n": 1}}')
    assert "redriven already" in twice.stderr
    assert command(firing, "dismiss", second).stdout == f"{second} is dismissed\n"
    assert "dismissed already" in command(firing, "redrive", second).stderr
    assert command(firing, "dismiss", "0" * 32).returncode == 1
    left = command(firing, "dead-letters", "--workflow", "orders", "--json")
    assert [one["id"] for one in json.loads(left.stdout)] == [third]
    for state, wanted in (("redriven", first), ("dismissed", second)):
        found = command(firing, "dead-letters", "--state", state, "--json")
        assert [one["id"] for one in json.loads(found.stdout)] == [wanted]
    path = "/api/v1/audit/events?limit=100"
    done = [one["action"] for one in legato.get(path, ADMIN).json["data"]]
    assert {"trigger.redriven", "trigger.dismissed"} <= set(done)


def test_it_rests_and_listens_again(firing: Firing) -> None:
    firing.save("resting", YEARLY)
    assert within(30, lambda: firing.trigger("resting")["listening"])
    assert command(firing, "pause", "resting/t").stdout == "resting/t rests\n"
    assert within(20, lambda: not firing.trigger("resting")["listening"])
    listed: list[dict[str, Any]] = json.loads(command(firing, "list", "--json").stdout)
    assert [one["paused"] for one in listed if one["workflow"] == "resting"] == [True]
    assert command(firing, "resume", "resting/t").stdout == "resting/t listens\n"
    assert within(20, lambda: firing.trigger("resting")["listening"])
    shown = command(firing, "show", "resting/t").stdout
    assert "cron: 0 0 1 1 *" in shown
    assert "-01-01T00:00:00" in shown
    done = [one["action"] for one in
            firing.legato.get("/api/v1/audit/events?limit=100", ADMIN).json["data"]]  # fmt: skip
    assert {"trigger.pause", "trigger.resume"} <= set(done)


def test_what_an_event_would_begin_is_told(firing: Firing) -> None:
    settings = {"type": "order.*"}
    trigger = {
        "name": "t", "kind": "event", "settings": settings, "when": "event.data.n > 1",
        "input": {"n": "${ event.data.n }"},
    }  # fmt: skip
    firing.save("tried", trigger)
    good = command(firing, "test", "tried/t", "--event-data", '{"n": 2}')
    assert json.loads(good.stdout or "0") == {"n": 2}, good.stderr
    assert command(firing, "test", "tried/t", "--event-data", '{"n": 1}').returncode == 1
    wrong = command(firing, "test", "tried/t", "--event-data", '{"n": 2.5}')
    assert "n" in wrong.stderr
    assert firing.runs("tried") == []


def test_events_of_both_modes_begin_runs_once(firing: Firing) -> None:
    settings = {"type": "order.*"}
    firing.save("ordered", {"name": "t", "kind": "event", "settings": settings})
    legato = firing.legato
    key = legato.create_key("--name", "events", "--permission", "workflow:run:signal")["secret"]
    whole = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid",
             "data": {"n": 1}}  # fmt: skip
    structured = {"content-type": "application/cloudevents+json"}
    parts = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order.paid",
             "content-type": "application/json"}  # fmt: skip

    def sent(body: Any, headers: dict[str, str], key: str = key) -> Any:
        bearer = {"authorization": f"Bearer {key}"}
        return legato.send("POST", "/v1/events", json.dumps(body).encode(), headers | bearer)

    first = sent(whole, structured)
    assert first.status == 202, first.body
    again = sent({"n": 1}, parts)
    assert first.json["begun"] == again.json["begun"]
    sent({"n": 2}, parts | {"ce-id": "2"})
    sent({"n": 3}, parts | {"ce-id": "3", "ce-type": "invoice.paid"})
    firing.comes_to("ordered", [1, 2])
    assert sent({"n": 1}, {"content-type": "application/json"}).status == 400
    plain = legato.create_key("--name", "plain")["secret"]
    assert sent(whole, structured, plain).status == 403

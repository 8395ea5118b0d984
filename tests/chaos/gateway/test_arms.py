"""Experiment, shadow and holdout together, under kills: the books stay exact, arms are kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from .audit import Audit, rows_of
from .instance import Instance, kill

if TYPE_CHECKING:
    from legato.providers.simulated.child import SimulatedChild

    from .conftest import MakeInstance, Say

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

CALLS = 2_000
USERS = 600
AT_ONCE = 24
KILLS = {400: "ledger", 800: "worker", 1_200: "ledger", 1_600: "worker"}
V1 = "/api/v1"


async def test_kills_leave_arms_and_books_whole(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say
) -> None:
    instance = instance_of(workers=2)
    instance.start()
    async with aiohttp.ClientSession() as session:
        ids = await begun(session, instance)
        answered = await load(session, instance)
    instance.await_ready()
    instance.stop_drained()
    audit = Audit(instance, provider.book)
    audit.check_all()
    entries = list(audit.net.values())
    arms = {row["arm"] for row in entries}
    for arm in ("champion", "v2", "v3"):
        for side in ("holdout", "treated"):
            assert f"{ids['tried']}/{arm} {ids['held']}/{side}" in arms
    shadows = [row for row in entries if row["kind"] == "shadow"]
    known = [row for row in shadows if row["usage_source"] == "provider"]
    assert {row["arm"] for row in shadows} == {f"{ids['copied']}/shadow"}
    assert {row["budget_id"] for row in shadows} == {f"rollout:{ids['copied']}"}
    assert {row["baseline_cost"] for row in shadows} == {0}
    told = rows_of(instance.database, "SELECT request_id, cost, status FROM shadow_outcome")
    costs = {row["request_id"]: row["cost"] for row in told if row["status"] == "ok"}
    assert costs.items() <= {row["request_id"]: row["cost"] for row in known}.items()
    assert len(costs) > 100
    assert_kept(entries)
    say(f"{answered} of {CALLS} answered, {len(shadows)} copies, {audit.sources()}")
    assert answered > CALLS * 0.8


def assert_kept(entries: list[dict[str, Any]]) -> None:
    """No user was in two arms of the experiment, or of the holdout."""
    of_users: dict[str, set[str]] = {}
    for row in entries:
        if row["end_user"] and row["arm"] and row["kind"] != "shadow":
            for arm in row["arm"].split():
                of_users.setdefault(f"{row['end_user']} {arm.partition('/')[0]}", set()).add(arm)
    assert len(of_users) > USERS
    assert [arms for arms in of_users.values() if len(arms) > 1] == []


async def begun(session: aiohttp.ClientSession, instance: Instance) -> dict[str, str]:
    """Begin an experiment and a shadow on two prompts, and a holdout on their route."""
    for name in ("tried", "copied"):
        for text, labels in (("old", ["production"]), ("new", []), ("newer", [])):
            spec = {"messages": [{"role": "user", "content": text}], "route": "chat"}
            path = f"/registry/objects/prompt/{name}/versions"
            await control(session, instance, path, {"spec": spec, "labels": labels})
        while await called(session, instance, name, 0) != 200:
            await asyncio.sleep(0.05)
    steps = [{"share_bp": 6_000, "for_s": 3_600}]
    experiment = {"mode": "experiment", "goal": "cost", "steps": steps}
    shadow = {"mode": "shadow", "steps": steps, "budget_usd_per_day": "50"}
    ids = {}
    for name, candidates, plan in (("tried", ["2", "3"], experiment), ("copied", ["2"], shadow)):
        wish = {"name": name, "candidates": candidates, "plan": plan}
        ids[name] = (await control(session, instance, "/registry/rollouts", wish))["id"]
    held = {"route": "chat", "share_bp": 2_000, "accepted_usd_per_month": "100000000"}
    ids["held"] = (await control(session, instance, "/holdouts", held))["id"]
    await asyncio.sleep(2)  # within which every worker knows of all three
    return ids


async def load(session: aiohttp.ClientSession, instance: Instance) -> int:
    """Call both prompts, and kill meanwhile; return how many calls were answered."""
    waiting = iter(range(CALLS))
    answered = 0

    async def caller() -> None:
        nonlocal answered
        for number in waiting:
            if number in KILLS:
                await asyncio.to_thread(killed, instance, KILLS[number])
            name = "tried" if number % 2 else "copied"
            status = await called(session, instance, name, number)
            answered += status == 200

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return answered


def killed(instance: Instance, wanted: str) -> None:
    pids = [instance.ledger_pid()] if wanted == "ledger" else instance.worker_pids().values()
    assert any(kill(pid) for pid in list(pids)[:1])


async def called(session: aiohttp.ClientSession, instance: Instance, name: str, number: int) -> int:
    """Call a prompt as one of the users; return the status, 0 where the answer broke off."""
    body = {"model": f"prompt:{name}", "user": f"u{number % USERS}", "stream": number % 3 == 0,
            "messages": [{"role": "user", "content": f"question {number}"}]}  # fmt: skip
    try:
        async with session.post(
            f"{instance.url}/v1/chat/completions", json=body, headers=bearer(instance, "open")
        ) as answer:
            await answer.read()
            return answer.status
    except aiohttp.ClientError:
        return 0


async def control(
    session: aiohttp.ClientSession, instance: Instance, path: str, body: Any
) -> dict[str, Any]:
    """Ask the control API, again while the ledger knows no traffic yet."""
    for _ in range(100):
        async with session.post(
            f"{instance.url}{V1}{path}", json=body, headers=bearer(instance, "admin")
        ) as answer:
            read: dict[str, Any] = await answer.json()
            if answer.status == 201:
                return read
            assert answer.status == 409, read
        await asyncio.sleep(0.1)
    raise AssertionError(read)


def bearer(instance: Instance, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {instance.secret(name)}"}

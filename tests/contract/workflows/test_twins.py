"""Nodes of the kind `twin` in real runs, on both databases."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from legato.core.errors import ProviderUnavailable
from legato.core.tenant import Tenant
from legato.flow.definition import Definition, Twin
from legato.flow.expressions import TooCostly
from legato.storage.database.engine import open_engine, writing
from legato.storage.workflows.twins import TwinStates
from legato.workflows.nodes.contract import RunFacts, StepOutcome
from legato.workflows.nodes.twin import TwinKind, Twins

from .workflow_runs import ORG, Plainly, Running, defined, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from legato.workflows.nodes.contract import Step

    from .conftest import Place


async def in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


class CutOffOnce:
    """A twin whose attempt is cut off once it is recorded, the first time."""

    def __init__(self, kind: TwinKind) -> None:
        self.kind = kind
        self.attempts = 0

    async def __call__(self, node: Twin, step: Step) -> StepOutcome:
        came = await self.kind(node, step)
        if node.id == "cut":
            self.attempts += 1
        if self.attempts == 1:
            raise ProviderUnavailable("cut off")
        return came


class Desk(NamedTuple):
    runs: Running
    twins: Twins
    database: Engine


@pytest.fixture
def desk(place: Place) -> Iterator[Desk]:
    schema = place.schema if place.beats_url.startswith("postgres") else None
    database = open_engine(place.beats_url, schema=schema)
    twins = Twins(
        lambda org: TwinStates(database, Tenant(org)),
        Plainly(),
        lambda org, name: f"{org}:{name}",
        time.time_ns,
    )
    kinds = {Twin: CutOffOnce(TwinKind(twins, in_thread))}
    with running((place.beats_url, place.url), place.schema, kinds) as runs:
        yield Desk(runs, twins, database)
    database.dispose()


def selling(**more: Any) -> Definition:
    node = {
        "kind": "twin",
        "id": "stock",
        "twin": "stock",
        "key": "${input.item}",
        "initial": {"left": 100},
        "update": {"left": "${state.left - input.sold}"},
    }
    return defined(nodes=[node | more])


def new_item() -> str:
    return secrets.token_hex(4)


def sell_elsewhere(desk: Desk, item: str) -> None:
    """Sell one as another process does, on connections of its own."""
    run = RunFacts(
        id=secrets.token_hex(16), org=ORG, team="", feature="", workflow="", digest="", key_id=""
    )

    def sold(before: list[Any]) -> Any:
        left = before[0]["left"] if before else 100
        time.sleep(0.005)  # so that who doesn't wait for us overwrites it
        return {"left": left - 1}

    for _ in range(20):
        with writing(desk.database) as connection:
            desk.twins.change(connection, run, ("stock", item), sold)


def test_runs_at_once_lose_no_change(desk: Desk) -> None:
    item = new_item()
    with ThreadPoolExecutor(2) as elsewhere:
        others = [elsewhere.submit(sell_elsewhere, desk, item) for _ in range(2)]
        ids = [desk.runs.start(selling(), {"item": item, "sold": 2}) for _ in range(20)]
        for other in others:
            other.result()
    for run_id in ids:
        came = desk.runs.until_over(run_id).end.output
        assert came["before"]["left"] - came["after"]["left"] == 2
    assert desk.twins.see(ORG, "stock", item) == [{"left": 20}]
    assert desk.twins.see("other", "stock", item) == []


LONG = "state.left - input.sold + 0 * size(input.many.filter(one, one > 5))"
MANY = [*range(5_000)]


class AtOnce:
    """Works the update out as a transaction would."""

    async def __call__(self, node: Twin, step: Step) -> StepOutcome:
        try:
            step.value_at_once(node.update, {"state": {"left": 1}})
        except TooCostly:
            return StepOutcome(output="left to a thread")
        return StepOutcome(output="worked out")


def test_what_takes_long_is_not_worked_out_in_a_transaction(place: Place) -> None:
    long = selling(update={"left": f"${{{LONG}}}"})
    with running((place.beats_url, place.url), place.schema, {Twin: AtOnce()}) as runs:
        given = {"item": "a", "sold": 1, "many": MANY}
        assert runs.run(long, given).end.output == "left to a thread"
        assert runs.run(selling(), given).end.output == "worked out"


def test_updates_that_take_long_lose_no_change_either(desk: Desk) -> None:
    item = new_item()
    long = selling(update={"left": f"${{{LONG}}}"})
    given = {"item": item, "sold": 2, "many": MANY}
    with ThreadPoolExecutor(1) as elsewhere:
        other = elsewhere.submit(sell_elsewhere, desk, item)
        ids = [desk.runs.start(long, given) for _ in range(6)]
        other.result()
    for run_id in ids:
        came = desk.runs.until_over(run_id).end.output
        assert came["before"]["left"] - came["after"]["left"] == 2
    assert desk.twins.see(ORG, "stock", item) == [{"left": 68}]
    would = desk.runs.run(selling(simulate=True, update={"left": f"${{{LONG}}}"}), given).end.output
    assert would == {"before": {"left": 68}, "after": {"left": 66}}
    assert desk.twins.see(ORG, "stock", item) == [{"left": 68}]


def test_a_step_that_is_repeated_changes_nothing_more(desk: Desk) -> None:
    item = new_item()
    retried = selling(id="cut", retry={"attempts_max": 3, "wait_s": 0.01})
    view = desk.runs.run(retried, {"item": item, "sold": 1})
    assert view.end.output == {"before": {"left": 100}, "after": {"left": 99}}
    assert desk.twins.see(ORG, "stock", item) == [{"left": 99}]


def test_simulations_and_trials_keep_nothing(desk: Desk) -> None:
    item = new_item()
    desk.runs.run(selling(), {"item": item, "sold": 1})
    would = {"before": {"left": 99}, "after": {"left": 49}}
    given = {"item": item, "sold": 50}
    assert desk.runs.run(selling(simulate=True), given).end.output == would
    assert desk.runs.run(selling(), given, test=True).end.output == would
    assert desk.twins.see(ORG, "stock", item) == [{"left": 99}]


def test_an_update_that_fails_leaves_the_state(desk: Desk) -> None:
    item = new_item()
    desk.runs.run(selling(), {"item": item, "sold": 1})
    assert desk.runs.run(selling(), {"item": item, "sold": "two"}).row.status == "failed"
    assert desk.twins.see(ORG, "stock", item) == [{"left": 99}]
    assert desk.runs.run(selling(), {"item": "", "sold": 1}).row.status == "failed"

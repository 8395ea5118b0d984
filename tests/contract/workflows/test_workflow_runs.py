"""Runs of workflows from end to end, on both databases, with the real engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .workflow_runs import Running, defined, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Place


@pytest.fixture(scope="module")
def runs(place: Place) -> Iterator[Running]:
    with running((place.beats_url, place.url), place.schema) as found:
        yield found


def node(kind: str, id_: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "id": id_, **fields}


def test_a_run_takes_the_way_its_rules_say(runs: Running) -> None:
    definition = defined(
        nodes=[
            node("set", "sum", value={"total": "${input.net + input.tax}"}),
            node(
                "switch",
                "size",
                after=["sum"],
                cases=[{"port": "large", "when": "steps.sum.output.total > 100.0"}],
            ),
            node("set", "hold", after=["size:large"], value="hold ${steps.sum.output.total}"),
            node("set", "pay", after=["size:otherwise"], value="pay"),
        ]
    )
    assert runs.run(definition, {"net": 100.0, "tax": 19.0}).end.output == "hold 119.0"
    assert runs.run(definition, {"net": 10.0, "tax": 1.9}).end.output == "pay"


def test_a_run_waits_and_is_neither_thread_nor_task_meanwhile(runs: Running) -> None:
    definition = defined(
        nodes=[
            node("wait", "rest", for_s=4),
            node("set", "then", after=["rest"], value="over"),
        ]
    )
    began = time.monotonic()
    run_id = runs.start(definition)
    row = runs.until(run_id, {"waiting"}).row
    while runs.host.under_way and runs.workflows.runs.get(run_id) == row:
        time.sleep(0.01)
    assert runs.host.under_way == 0
    assert runs.workflows.runs.get(run_id) == row, "it still waits"
    assert runs.until_over(run_id).end.output == "over"
    assert time.monotonic() - began > 3.9


def test_a_node_that_fails_ends_at_its_error_port_or_fails_the_run(runs: Running) -> None:
    raising = node("raise", "no", code="too_large", message="${input} is too large")
    caught = defined(nodes=[raising, node("set", "told", after=["no:error"],
                                          value="${steps.no.error.code}")])  # fmt: skip
    assert runs.run(caught, "it").end.output == "too_large"
    failed = runs.run(defined(nodes=[raising]), "it")
    assert (failed.row.status, failed.row.told, failed.row.failed_node) == (
        "failed",
        "too_large",
        "no",
    )
    assert failed.end.message == "it is too large"
    assert failed.row.letter == "open"


def test_a_loop_runs_its_body_for_each_item_in_order(runs: Running) -> None:
    definition = defined(
        vars={"factor": 3},
        nodes=[
            node("set", "base", value=100),
            node(
                "for",
                "each",
                after=["base"],
                each="input",
                at_once=3,
                do={
                    "nodes": [node("set", "one", value="${item * vars.factor + steps.base.output}")]
                },
            ),
        ],
    )
    assert runs.run(definition, [1, 2, 3, 4, 5]).end.output == [103, 106, 109, 112, 115]


def test_a_loop_collects_errors_or_fails_with_the_first(runs: Running) -> None:
    def looping(on_error: str) -> Any:
        body = {
            "nodes": [
                node("raise", "no", when="item == 2", code="bad_item", message="no"),
                node("set", "yes", when="item != 2", value="${item}"),
            ]
        }
        return defined(
            nodes=[node("for", "each", each="input", on_error=on_error, at_once=2, do=body)]
        )

    collected = runs.run(looping("collect"), [1, 2, 3]).end.output
    assert collected == [1, {"error": {"code": "bad_item", "message": "no"}}, 3]
    assert runs.run(looping("fail"), [1, 2, 3]).row.told == "bad_item"


def test_a_body_is_repeated_until_its_condition_holds(runs: Running) -> None:
    body = {"nodes": [node("set", "more", value="${index == 0 ? 1 : last * 2}")]}
    until = defined(nodes=[node("repeat", "grow", do=body, until="output >= 8", times_max=9)])
    assert runs.run(until).end.output == 8
    limited = defined(
        nodes=[
            node("repeat", "grow", do=body, until="output >= 800", times_max=2),
            node("set", "enough", after=["grow:limit"], value="gave up at ${steps.grow.output}"),
        ]
    )
    assert runs.run(limited).end.output == "gave up at 2"


def test_a_workflow_runs_another_one(runs: Running) -> None:
    runs.known.named["twice"] = defined(nodes=[node("set", "double", value="${input * 2}")])
    calling = defined(
        nodes=[node("workflow", "call", workflow="twice@production", input="${input + 1}")]
    )
    ended = runs.run(calling, 20)
    assert ended.end.output == 42
    tree = runs.workflows.runs.tree(ended.row.id, 10)
    assert [one.workflow for one in tree] == ["tested", "twice"]


def test_data_is_checked_by_schema_and_rules(runs: Running) -> None:
    definition = defined(
        nodes=[
            node(
                "validate",
                "check",
                value="${input}",
                json_schema={"type": "object", "required": ["age"]},
                rules=[{"name": "adult", "check": "!has(value.age) || value.age >= 18"}],
            ),
            node("set", "fine", after=["check"], value="fine"),
            node(
                "set", "bad", after=["check:invalid"],
                value="${steps.check.output.problems.map(p, p.rule)}",
            ),
        ]
    )  # fmt: skip
    assert runs.run(definition, {"age": 40}).end.output == "fine"
    assert runs.run(definition, {"age": 4}).end.output == ["adult"]
    assert runs.run(definition, {}).end.output == ["schema"]


def test_a_run_that_waits_is_cancelled_at_once(runs: Running) -> None:
    run_id = runs.start(defined(nodes=[node("wait", "long", for_s=3600)]))
    runs.until(run_id, {"waiting"})
    assert runs.workflows.cancel(run_id).status == "cancelled"


def test_a_run_ends_when_its_time_is_over(runs: Running) -> None:
    definition = defined(limits={"time_s_max": 1}, nodes=[node("wait", "long", for_s=3600)])
    assert runs.run(definition).row.told == "time_limit"


def test_a_run_ends_when_it_began_too_many_steps(runs: Running) -> None:
    nodes = [node("set", f"n{index}", value=1) for index in range(5)]
    assert runs.run(defined(limits={"steps_max": 3}, nodes=nodes)).row.told == "step_limit"


def test_a_failed_run_goes_on_where_it_failed(runs: Running) -> None:
    definition = defined(
        nodes=[
            node("set", "once", value="kept"),
            node("workflow", "missing", after=["once"], workflow="later"),
        ]
    )
    failed = runs.run(definition)
    assert failed.row.told == "not_found"
    runs.known.named["later"] = defined(nodes=[node("set", "here", value="here")])
    runs.workflows.resume(failed.row.id)
    assert runs.until_over(failed.row.id).end.output == "here"


def test_what_was_dealt_with_isnt_done_anew_when_a_run_goes_on(runs: Running) -> None:
    definition = defined(
        nodes=[
            node("raise", "pays", code="declined", message="no"),
            node("set", "notes", after=["pays:error"], value="declined"),
            node("wait", "rest", after=["notes"], for_s=1),
            node("set", "then", after=["rest"], value="over"),
        ]
    )
    run_id = runs.start(definition)
    before = runs.workflows.steps(runs.until(run_id, {"waiting"}).row)
    runs.workflows.cancel(run_id)
    runs.workflows.resume(run_id)
    ended = runs.until_over(run_id)
    assert (ended.row.status, ended.end.output) == ("done", "over")
    after = runs.workflows.steps(ended.row)
    assert [(one.row.node, one.row.started_at_ns) for one in after[:2]] == [
        (one.row.node, one.row.started_at_ns) for one in before[:2]
    ]


def test_a_hostile_expression_fails_its_own_run(runs: Running) -> None:
    endless = "${input.all(a, input.all(b, input.all(c, true)))}"
    hostile = runs.start(defined(nodes=[node("set", "endless", value=endless)]), [1] * 1_000)
    beside = runs.start(defined(nodes=[node("set", "one", value=1)]))
    failed = runs.until_over(hostile, 60)
    assert (failed.row.status, failed.row.failed_node) == ("failed", "endless")
    assert "operations" in failed.end.message
    assert runs.until_over(beside).end.output == 1

"""Documents of the Serverless Workflow DSL: what is written is read again, the rest refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from legato.core.errors import InvalidRequest
from legato.flow.definition import AnyNode, Definition
from legato.flow.progress import Plan, path_of
from legato.flow.serverless.reading import read_document
from legato.flow.serverless.tasks import Unwritable
from legato.flow.serverless.writing import write_document


def definition(*nodes: dict[str, Any], **more: Any) -> Definition:
    return msgspec.convert({"nodes": nodes, **more}, Definition)


def made(name: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"kind": "set", "id": name, "value": 1, "after": after, **more}


def sorted_nodes(whole: Definition) -> Definition:
    return msgspec.structs.replace(whole, nodes=tuple(sorted(whole.nodes, key=lambda n: n.id)))


SUPPORT = definition(
    {"kind": "classify", "id": "sort", "model": "cheap", "text": "${input.text}",
     "choices": [{"port": "refund"}, {"port": "other"}], "at": {"x": 1, "y": 2}},
    {"kind": "prompt", "id": "check", "model": "best", "user": "Fair?", "after": ["sort:refund"],
     "retry": {"attempts_max": 2}, "when": "input.amount > 5"},
    {"kind": "human", "id": "ask", "subject": "Refund?", "after": ["check"], "deadline_s": 60},
    {"kind": "call", "id": "pay", "tool": "bank.pay", "arguments": {"sum": "${input.amount}"},
     "after": ["ask:approved"]},
    {"kind": "raise", "id": "stop", "code": "unpaid", "message": "No", "after": ["pay:error"]},
    {"kind": "switch", "id": "how", "cases": [{"port": "loud", "when": "input.loud"}],
     "otherwise": "still", "after": ["sort:other"]},
    made("a", "how:loud", title="First"),
    {"kind": "for", "id": "each", "each": "input.list", "after": ["a"], "at_once": 2,
     "do": {"nodes": [made("x")], "output": "${item}"}},
    {"kind": "listen", "id": "hear", "event": "paid.*", "match": "event.data.id == input.id",
     "deadline_s": 9, "after": ["how:still"]},
    {"kind": "wait", "id": "rest", "for_s": 2, "after": ["hear:expired"]},
    {"kind": "workflow", "id": "sub", "workflow": "other@2", "input": {"a": 1}, "after": ["rest"]},
    title="Support",
    description="All of it",
    input={"type": "object"},
    vars={"v": 1},
    limits={"cost_usd_max": "1.5"},
    output="${input}",
)  # fmt: skip


def test_what_is_written_is_read_again() -> None:
    document = write_document(SUPPORT, "Support 1")
    assert document["document"] == {
        "dsl": "1.0.0", "namespace": "legato", "name": "support-1", "version": "0.1.0",
        "title": "Support", "summary": "All of it",
        "metadata": {"legato": {"vars": {"v": 1}, "limits": {"cost_usd_max": "1.5"}}},
    }  # fmt: skip
    assert sorted_nodes(read_document(document)) == sorted_nodes(SUPPORT)


def test_its_tasks_are_those_of_the_dsl() -> None:
    tasks = {name: task for one in write_document(SUPPORT, "s")["do"] for name, task in one.items()}
    assert tasks["sort"]["call"] == "legato:classify"
    assert tasks["sort_ports"]["switch"][0]["refund"]["then"] == "check"
    assert tasks["check"]["catch"]["retry"]["limit"] == {"attempt": {"count": 2}}
    assert tasks["pay"]["try"][0]["pay_try"]["call"] == "bank.pay"
    assert tasks["stop"]["raise"]["error"]["type"] == "urn:legato:error:unpaid"
    assert tasks["each"]["for"] == {"each": "item", "at": "index", "in": "${input.list}"}
    assert tasks["rest"]["wait"] == {"seconds": 2}


def test_parallel_nodes_are_a_fork_and_meet_behind_it() -> None:
    whole = definition(
        made("a"),
        made("b", "a"),
        made("c", "a"),
        made("d", "c"),
        made("e", "b", "d"),
        made("f", "e"),
    )
    document = write_document(whole, "w")
    names = [next(iter(task)) for task in document["do"]]
    assert names == ["a", "a_done_fork", "e", "f"]
    branches = document["do"][1]["a_done_fork"]["fork"]["branches"]
    assert [next(iter(branch)) for branch in branches] == ["b", "c_branch"]
    assert sorted_nodes(read_document(document)) == sorted_nodes(whole)


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([{"kind": "wait", "id": "w", "until": "input.at"}], r"nodes\.w\.until"),
        ([{"kind": "repeat", "id": "r", "do": {"nodes": [made("x")]}, "until": "true"}],
         r"nodes\.r\.do"),
        ([made("a"), made("b"), made("c", "a", "b", join="any")], r"nodes\.c\.join"),
        ([made("a"), made("b"), made("c", "a"), made("d", "a", "b"), made("e", "b")],
         r"nodes\.\w\.after: .* can't join"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused_by_node_and_field(
    nodes: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(Unwritable, match=told):
        write_document(definition(*nodes), "w")


FOREIGN: dict[str, Any] = {
    "document": {"dsl": "1.0.0", "namespace": "shop", "name": "order", "version": "1.0.0"},
    "evaluate": {"language": "cel"},
    "do": [
        {"look": {"call": "http", "with": {"method": "get", "endpoint": "https://a.example/o"}}},
        {"choose": {"switch": [
            {"big": {"when": "${steps.look.output.total > 100}", "then": "review"}},
            {"small": {"then": "both"}},
        ]}},
        {"review": {"listen": {"to": {"one": {"with": {"type": "order.reviewed"}}}}}},
        {"both": {"fork": {"branches": [
            {"bill": {"call": "billing.invoice"}},
            {"pack": {"do": [
                {"pick": {"call": "store.pick"}},
                {"ship": {"try": [{"send": {"call": "store.ship"}}],
                          "catch": {"do": [{"tell": {"set": {"late": True}}}]}}},
            ]}},
        ]}}},
        {"rest": {"wait": {"minutes": 2}}},
    ],
}  # fmt: skip


def test_a_document_of_somebody_else_is_read() -> None:
    nodes = {node.id: node for node in read_document(FOREIGN).nodes}
    assert {name: list(node.after) for name, node in nodes.items()} == {
        "look": [],
        "choose": ["look"],
        "review": ["choose:big"],
        "bill": ["review", "choose:small"],
        "pick": ["review", "choose:small"],
        "ship": ["pick"],
        "tell": ["ship:error"],
        "rest": ["bill", "ship", "tell"],
    }
    assert msgspec.to_builtins(nodes["rest"])["for_s"] == 120


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"evaluate": {}}, "jq aren't read"),
        ({"document": {"dsl": "0.8"}}, "1.0 is"),
        ({"do": [{"a": {"emit": {"event": {}}}}]}, "a: emit can't be taken over"),
        ({"do": [{"a": {"run": {"script": {}}}}]}, "scripts and shells aren't run"),
        ({"do": [{"a": {"set": 1, "then": "gone"}}]}, r"a\.then: 'gone' isn't a task"),
        ({"do": [{"a": {"set": 1, "then": "c"}}, {"b": {"set": 1}}, {"c": {"set": 1}}]},
         "b: no task leads to it"),
        ({"do": [{"a": {"wait": "PT1M"}}]}, "write a duration"),
        ({"do": [{"a": {"fork": {"compete": True, "branches": []}}}]}, "compete"),
        ({"do": [{"a": {"for": {"in": "${[1]}"}, "while": "${true}", "do": []}}]}, "while"),
        ({"do": [{"a": {"raise": {"error": "named"}}}]}, "written out here"),
        ({"schedule": {"cron": "* * * * *"}}, "schedule"),
        ({"do": {}}, "no document"),
    ],
)  # fmt: skip
def test_what_isnt_here_is_refused_by_task_and_field(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_document({**FOREIGN, **change})


@some.composite
def graphs(draw: some.DrawFn) -> Definition:
    """Return small graphs of nodes with one and with several ports."""
    nodes: list[dict[str, Any]] = []
    ports: dict[str, list[str]] = {}
    for index in range(draw(some.integers(1, 7))):
        name, branching = f"n{index}", draw(some.booleans())
        before = [f"{node}:{port}" for node in ports for port in ports[node]]
        after = (
            draw(some.lists(some.sampled_from(before), max_size=2, unique=True)) if before else []
        )
        kind = {"kind": "switch", "cases": [{"port": "x", "when": "true"}], "otherwise": "y"}
        nodes.append({**(kind if branching else made(name)), "id": name, "after": after})
        ports[name] = ["x", "y"] if branching else ["done", "error"]
    return definition(*nodes)


def paths(nodes: tuple[AnyNode, ...]) -> dict[str, set[tuple[str, str]]]:
    return {node.id: set(map(path_of, node.after)) for node in nodes}


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_whatever_is_written_comes_back_the_same(whole: Definition) -> None:
    try:
        document = write_document(whole, "w")
    except Unwritable:
        return
    again = read_document(document)
    Plan.of(again.nodes)
    assert paths(again.nodes) == paths(whole.nodes)
    assert sorted_nodes(again) == sorted_nodes(whole)

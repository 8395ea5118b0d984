"""Workflows before they become versions, and which version a run begins with."""

from typing import Any

import msgspec
import pytest

from legato.core.errors import InvalidRequest, NotFound
from legato.core.registry import CANDIDATE, CHAMPION, Kind, ObjectName, Selector
from legato.registry.reading import ContentInvalid
from legato.registry.registry import sealing_context
from legato.registry.workflows import WorkflowVersions, check_workflow, hints_of, read_workflow
from legato.routing.assignment import slices_of
from legato.storage.registry.records import RunningRollout, VersionRecord

MODELS = frozenset({"smart", "cheap"})
THERE = {("prompt", "greet", ""), ("workflow", "inner", "production")}


def exists(name: ObjectName, version: str) -> bool:
    return (name.kind.value, name.name, version) in THERE


def refused(content: Any) -> dict[str, str]:
    with pytest.raises(ContentInvalid) as told:
        check_workflow(content, lambda: MODELS, exists)
    return dict(told.value.problems)


def workflow(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"nodes": list(nodes), **more}


ASK = {"kind": "prompt", "id": "ask", "model": "smart", "user": "Hello"}


def test_what_it_names_of_others_is_returned() -> None:
    content = workflow(
        ASK,
        {"kind": "prompt", "id": "greet", "prompt": "greet"},
        {"kind": "workflow", "id": "inner", "workflow": "inner@production"},
    )
    assert check_workflow(content, lambda: MODELS, exists) == {
        ("route", "smart"),
        ("prompt", "greet"),
        ("workflow", "inner"),
    }


def test_what_isnt_there_is_told_at_its_place() -> None:
    loop = {"kind": "for", "id": "each", "each": "[1]", "do": workflow(ASK | {"model": "x"})}
    agent = {"kind": "agent", "id": "act", "model": "cheap", "task": "t",
             "tools": [{"tool": "workflow:gone@2"}]}  # fmt: skip
    found = refused(workflow(loop, agent, {"kind": "prompt", "id": "p", "prompt": "greet@old"}))
    assert found == {
        "nodes.ask.model": "nothing here is called 'x'; routes and deployments: cheap, smart",
        "nodes.act.tools[0].tool": "there is no workflow gone@2 here; save it first, or apply it "
        "together with this",
        "nodes.p.prompt": "there is no prompt greet@old here; save it first, or apply it together "
        "with this",
    }


def test_wrong_fields_are_told_by_the_node_they_are_of() -> None:
    loop = {"kind": "for", "id": "each", "each": "[1]", "do": workflow(ASK | {"modl": "x"})}
    found = refused(workflow(ASK | {"id": "first", "max_tokens": "many"}, loop, {"kind": "no"}))
    assert found["nodes.each.do.nodes.ask.modl"] == "is unknown; did you mean `model`?"
    assert "nodes.first.max_tokens" in found
    assert found["nodes[2].kind"] == "invalid value 'no'"


def test_hints_keep_nothing_from_being_saved() -> None:
    content = workflow({"kind": "call", "id": "pay", "tool": "t"})
    check_workflow(content, lambda: MODELS, exists)
    assert [hint.place for hint in hints_of(content)] == ["nodes.pay"]


class Plain:
    def seal(self, _: str, data: bytes, context: bytes) -> bytes:
        return context + data

    def open(self, _: str, sealed: bytes, context: bytes) -> bytes:
        return sealed.removeprefix(context)


def record(number: int, content: Any) -> VersionRecord:
    name, digest = ObjectName(Kind.WORKFLOW, "flow"), f"{number}" * 64
    sealed = Plain().seal("", msgspec.json.encode(content), sealing_context(name, digest))
    return VersionRecord(name, digest, number, sealed, "key:a", "", 0)


class Kept:
    def __init__(self, *records: VersionRecord) -> None:
        self._records = {one.number: one for one in records}

    def version(self, _: ObjectName, wanted: Selector, environment: str) -> VersionRecord:
        assert environment == "production"
        number = wanted.number or {"production": 1}.get(wanted.label, 0)
        if number not in self._records:
            msg = "no such version"
            raise NotFound(msg)
        return self._records[number]


def versions(*records: VersionRecord, rollouts: list[RunningRollout] | None = None) -> Any:
    kept = Kept(*records)
    return WorkflowVersions(lambda _: kept, lambda: rollouts or [], Plain(), "production")


def test_a_version_is_chosen_by_label_or_number() -> None:
    chosen = versions(record(1, workflow(ASK)), record(2, workflow(ASK | {"user": "Bye"})))
    assert chosen.choose("o", "flow", "u").number == 1
    two = chosen.choose("o", "flow@2", "u")
    assert two.definition.nodes[0].user == "Bye"
    assert not two.arm
    with pytest.raises(NotFound):
        chosen.choose("o", "flow@canary", "u")


def test_a_rollout_divides_users_and_each_stays_in_its_arm() -> None:
    two = record(2, workflow(ASK))
    rollout = RunningRollout(
        org="o",
        id="roll",
        name=two.name,
        label="production",
        slices=slices_of({CHAMPION: 5_000, CANDIDATE: 5_000}),
        candidates={CANDIDATE: two},
    )
    chosen = versions(record(1, workflow(ASK)), two, rollouts=[rollout])
    arms = [chosen.choose("o", "flow", f"user {n}") for n in range(200)]
    assert {(one.number, one.arm) for one in arms} == {(1, "roll/champion"), (2, "roll/candidate")}
    assert 60 < sum(one.number == 2 for one in arms) < 140
    again = [chosen.choose("o", "flow@production", f"user {n}") for n in range(200)]
    assert [one.arm for one in again] == [one.arm for one in arms]
    assert {chosen.choose("other", "flow", f"user {n}").number for n in range(50)} == {1}


def test_a_draft_named_by_its_number_cant_run() -> None:
    draft = workflow(ASK | {"user": "${steps.gone.output}"})
    read_workflow(draft)
    with pytest.raises(InvalidRequest, match="no node `gone`"):
        versions(record(1, draft)).choose("o", "flow@1", "u")

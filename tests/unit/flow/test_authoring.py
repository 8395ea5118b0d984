"""Flows written in Python: the definition they make, and wiring that is refused."""

import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from legato.flow.authoring import Flow, FlowInvalid, expression
from legato.flow.definition import Definition, Set
from legato.flow.formats import plain


class Ticket(msgspec.Struct):
    text: str
    amounts: list[int]


class Fair(msgspec.Struct):
    fair: bool
    sure: float


class Sort(StrEnum):
    REFUND = "refund"
    OTHER = "other"


def support() -> Definition:
    flow = Flow(Ticket, title="Support")
    sort = flow.classify("sort", choices=Sort, text=flow.input.text, model="cheap")
    check = flow.prompt(
        "check", model="best", user=f"Fair? {flow.input.text}", output=Fair,
        after=sort.at(Sort.REFUND),
    )  # fmt: skip
    ask = flow.approve(
        "ask", subject="Refund?", data=check.output, when=check.output.sure < 0.9, deadline_s=60
    )
    loud = flow.each(
        "loud", flow.input.amounts, lambda body, amount: body.set("twice", {"of": amount * 2}),
        after=[ask.at("approved"), sort.at(Sort.OTHER)],
    )  # fmt: skip
    flow.returns({"fair": expression("has(steps.check) ? steps.check.output.fair : false", bool)})
    flow.accepted_if(ask.ran & (ask.port == "approved") & loud.ran)
    return flow.build()


def test_it_makes_the_definition_that_yaml_would() -> None:
    made = plain(support())
    nodes = {node["id"]: node for node in made["nodes"]}
    assert made["input"]["properties"]["text"] == {"type": "string"}
    assert nodes["sort"]["choices"] == [{"port": "refund"}, {"port": "other"}]
    assert nodes["check"]["user"] == "Fair? ${input.text}"
    assert nodes["check"]["after"] == ["sort:refund"]
    assert nodes["check"]["output_schema"]["properties"]["sure"] == {"type": "number"}
    assert nodes["ask"]["when"] == "steps.check.output.sure < 0.9"
    assert nodes["ask"]["data"] == "${steps.check.output}"
    assert nodes["ask"]["after"] == ["check"]
    assert nodes["loud"]["each"] == "input.amounts"
    assert nodes["loud"]["do"]["nodes"][0]["value"] == {"of": "${item * 2}"}
    assert nodes["loud"]["do"]["output"] == "${steps.twice.output}"


def test_what_a_body_reads_comes_before_its_loop() -> None:
    flow = Flow()
    first = flow.set("first", 1)
    flow.each("all", expression("[1, 2]", list), lambda body, _: body.set("x", first.output))
    until = flow.repeat(
        "again", lambda body: body.set("y", {"n": first.output}), until=lambda y: y["n"] > 0
    )
    nodes = {node.id: node for node in flow.build().nodes}
    assert nodes["all"].after == nodes["again"].after == ("first",)
    assert plain(flow.build())["nodes"][2]["until"] == 'output["n"] > 0'
    assert until.id == "again"


def test_wrong_wiring_is_told_when_it_is_built() -> None:
    flow = Flow(Ticket)
    flow.prompt("ask", model="m", user=f"{expression('input.txt', str)}")
    flow.add(Set(id="b", value="${steps.gone.output}"))
    with pytest.raises(FlowInvalid) as told:
        flow.build()
    assert "nodes.ask.user: `input.txt`: there is no field `txt`" in told.value.message
    assert "nodes.b.value: `steps.gone.output`: there is no node `gone`" in told.value.message


def test_values_that_arent_there_yet_cant_be_decided_upon() -> None:
    flow = Flow(Ticket)
    with pytest.raises(TypeError, match="write & for and"):
        assert not flow.input.text
    with pytest.raises(TypeError, match="loop over it by `each`"):
        list(flow.input.amounts)
    with pytest.raises(TypeError, match="can't be set"):
        flow.input.text = "x"
    with pytest.raises(FlowInvalid, match="there are none"):
        flow.build()
    with pytest.raises(FlowInvalid, match=r"nodes\.Bad"):
        flow.set("Bad", 1)


WRONG = """
from enum import StrEnum
import msgspec
from legato.flow.authoring import Flow

class Ticket(msgspec.Struct):
    text: str
    amount: int

class Sort(StrEnum):
    A = "a"

flow = Flow(Ticket)
right = flow.prompt("right", model="m", user=flow.input.text, output=Ticket)
also = flow.set("also", right.output.amount + 1, after=right)
flow.input.txt  # wrong
flow.prompt("a", model="m", user=flow.input.amount)  # wrong
right.output.amont  # wrong
sort = flow.classify("s", choices=Sort, text="t", model="m")
sort.at("b")  # wrong
flow.vote("v", of=[right, also]).output.text  # wrong
flow.each("e", flow.input.amount, lambda body, item: item)  # wrong
"""


def test_mypy_rejects_wrong_wiring(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(file)]
    found = subprocess.run(
        [*command, "--cache-dir", str(tmp_path)], capture_output=True, text=True, check=False
    ).stdout
    lines = WRONG.splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    told = {int(line.split(":")[1]) for line in found.splitlines() if ": error:" in line}
    assert told == wrong, found

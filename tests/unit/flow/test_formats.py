"""YAML, JSON and Python: each holds all of a definition."""

import json
from typing import Any

import msgspec
import yaml
from hypothesis import HealthCheck, given, settings

from flow_definitions import definitions
from legato.flow.definition import Definition
from legato.flow.formats import as_json, as_mermaid, as_yaml, laid_out, plain
from legato.flow.python_source import python_source

slow = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


@slow
@given(definitions())
def test_yaml_loses_nothing(definition: Definition) -> None:
    assert msgspec.convert(yaml.safe_load(as_yaml(definition)), Definition) == definition


@slow
@given(definitions())
def test_json_loses_nothing(definition: Definition) -> None:
    assert msgspec.json.decode(as_json(definition), type=Definition) == definition
    assert json.loads(as_json(definition)) == plain(definition)


@slow
@given(definitions())
def test_python_loses_nothing(definition: Definition) -> None:
    made: dict[str, Any] = {}
    exec(python_source(definition), made)  # noqa: S102 - it is what was just written
    assert made["definition"] == definition


FLOW = msgspec.convert(
    {
        "title": 'A "flow"',
        "nodes": [
            {"kind": "set", "id": "a", "value": 1, "at": {"x": 5, "y": 6}},
            {"kind": "validate", "id": "end", "value": "${steps.a.output}", "after": ["a"],
             "rules": [{"name": "r", "check": "value > 0"}]},
            {"kind": "for", "id": "each", "each": "[1, 2]", "after": ["a", "end:invalid"],
             "do": {"nodes": [{"kind": "set", "id": "x", "value": "${item}"}]}},
            {"kind": "set", "id": "b", "value": 2, "after": ["a"]},
        ],
    },
    Definition,
)  # fmt: skip


def test_nodes_are_given_places_and_keep_those_they_have() -> None:
    placed = {node.id: node.at for node in laid_out(FLOW).nodes}
    assert placed["a"] == FLOW.nodes[0].at
    spots = [(at.x, at.y) for at in placed.values() if at is not None]
    assert len(set(spots)) == len(FLOW.nodes)
    assert spots[1][0] < spots[2][0]
    assert laid_out(laid_out(FLOW)) == laid_out(FLOW)


def test_a_picture_has_nodes_ports_and_bodies() -> None:
    drawn = as_mermaid(FLOW)
    assert 'n_end{"end<br>validate"}' in drawn
    assert "n_end -->|invalid| n_each" in drawn
    assert 'subgraph n_each["each<br>for"]' in drawn


def test_python_is_written_for_people() -> None:
    source = python_source(FLOW)
    assert source.startswith('"""A \'flow\'"""\n\nfrom legato.flow.definition import ')
    assert '        Set(id="a"' in source or "        Set(id='a', at=" in source
    assert max(map(len, source.splitlines())) <= 100

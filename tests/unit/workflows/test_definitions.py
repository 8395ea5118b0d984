"""Definitions checked, exchanged and priced, as commands and the control API do it."""

from typing import Any

import pytest
import yaml

from legato.core.errors import InvalidRequest
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.flow.expected_cost import Range
from legato.registry.reading import ContentInvalid, Problem
from legato.workflows.definitions import (
    Format,
    content_of,
    foreseen,
    taken_over,
    verdict_on,
    written,
)

ASK: dict[str, Any] = {"kind": "prompt", "id": "ask", "model": "m", "user": "x" * 4_000}
FLOW: dict[str, Any] = {"nodes": [ASK]}


def price(each: int) -> Price:
    return Price("v", in_uncached=PicoUSD(each * 1_000), out_text=PicoUSD(0))


def test_problems_of_fields_and_of_what_is_named_are_told() -> None:
    def active(_: Any) -> None:
        raise ContentInvalid("workflow", [Problem("nodes.ask.model", "is gone")])

    assert verdict_on(FLOW).valid
    assert verdict_on({"nodes": [{"kind": "prompt"}]}).problems[0].place == "nodes[0].id"
    assert verdict_on(FLOW, active).problems == (("nodes.ask.model", "is gone"),)


@pytest.mark.parametrize("form", [Format.YAML, Format.JSON, Format.SERVERLESS])
def test_what_is_written_is_taken_over_again(form: Format) -> None:
    definition = taken_over(FLOW)
    again = taken_over(yaml.safe_load(written(definition, "flow", form)))
    assert again.nodes[0].id == "ask"
    assert (again.nodes[0].at is not None) == (form is Format.JSON)


def test_documents_of_the_registry_are_looked_into() -> None:
    assert content_of({"kind": "workflow", "name": "n", "spec": FLOW}) == FLOW
    with pytest.raises(InvalidRequest, match="this is a prompt"):
        content_of({"kind": "prompt", "name": "n", "spec": {}})


def test_low_is_the_cheapest_deployment_and_high_the_dearest() -> None:
    found = foreseen(taken_over(FLOW), lambda _: (price(3), price(1), price(9)))
    assert found.cost_nano_usd == Range(1_000, 3_000, 9_000)
    assert foreseen(taken_over(FLOW), lambda _: ()).unpriced == ("m",)


@pytest.mark.parametrize(
    ("beliefs", "told"),
    [({"itms": [1, 2, 3]}, "known: characters_put_in"), ({"items": [3, 2, 1]}, "low, likely")],
)
def test_beliefs_are_checked(beliefs: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        foreseen(taken_over(FLOW), lambda _: (), beliefs=beliefs)

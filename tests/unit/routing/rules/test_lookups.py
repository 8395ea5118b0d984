"""Look-ups are taken out of conditions, and what they tell stands in their place."""

from __future__ import annotations

import pytest

from legato.core.errors import ConfigInvalid
from legato.routing.rules.expression import condition, context_of
from legato.routing.rules.lookups import unknown_lookups

TIER = 'lookup("customer_tier", metadata.customer) == "gold"'


def test_what_is_told_stands_in_the_place_of_a_look_up() -> None:
    one = condition(f"{TIER} || team == 'a)'")
    (asked,) = one.lookups
    assert asked.name == "customer_tier"
    assert one.variables == {"metadata", "team"}
    assert one.keys == {("metadata", "customer")}
    values = {"metadata": {"customer": "c-1"}, "team": "b"}
    assert asked.key_in(context_of(values)) == "c-1"
    for told, holds in (("gold", True), ("plain", False)):
        assert one.program.execute(context_of({**values, asked.variable: told})) is holds


@pytest.mark.parametrize(
    "source",
    [
        'lookup("seats", tags.unit) > 10',
        'lookup("blocked", "x" + team) == false',
        'lookup("paying", org)',
        "has(metadata.customer) && " + TIER,
    ],
)
def test_look_ups_may_tell_texts_numbers_and_truths(source: str) -> None:
    assert condition(source).lookups


def test_a_key_that_is_not_there_is_no_key() -> None:
    (asked,) = condition(TIER).lookups
    assert asked.key_in(context_of({"metadata": {}})) is None
    assert asked.key_in(context_of({"metadata": {"customer": ""}})) is None


def test_the_same_look_up_is_asked_once() -> None:
    assert len(condition(f"{TIER} || {TIER}").lookups) == 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("lookup(team) == 'a'", "a name and a key"),
        ("lookup('a', team == 'b'", "isn't closed"),
        ("lookup('a', lookup('b', team)) == 'c'", "can't be a look-up"),
        ("lookup('a', nobody) == 'c'", "a request has no 'nobody'"),
        (" || ".join(f"lookup('n{one}', team) == 'c'" for one in range(5)), "more than 4"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(source: str, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told):
        condition(source)


def test_a_text_that_mentions_one_is_none() -> None:
    assert condition("team == \"lookup('a', 'b')\"").lookups == ()


def test_unknown_look_ups_are_named() -> None:
    (told,) = unknown_lookups(condition(TIER).lookups, ["seats"])
    assert told == "no look-up `customer_tier`; known: seats"

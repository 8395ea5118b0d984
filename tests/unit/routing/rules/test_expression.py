from __future__ import annotations

import pytest

from legato.core.errors import ConfigInvalid
from legato.routing.rules.expression import CHARACTERS_MAX, condition
from legato.routing.rules.features import FEATURES


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_can_be_asked(name: str) -> None:
    sample = FEATURES[name].sample
    asked = {
        bool: name,
        int: f"{name} > 3",
        str: f'{name} == "a" || {name}.startsWith("b")',
        dict: f'{name}.tier == "gold" && has({name}.tier)',
    }[type(sample)]
    assert condition(asked).variables == {name}


def test_only_the_keys_that_are_read_are_known() -> None:
    source = 'metadata.tier == "a" || tags["cost centre"] == "metadata" || has(tags.x)'
    found = condition(source).keys
    assert found == {("metadata", "tier"), ("tags", "cost centre"), ("tags", "x")}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "1 to 1000 characters"),
        ("x" * (CHARACTERS_MAX + 1), "1 to 1000 characters"),
        ("(" * 20 + "stream" + ")" * 20, "20 deep"),
        (" || ".join(["stream"] * 80), "159 words"),
        ('content = "code"', "can't be read"),
        ("prompt == 1", "a request has no 'prompt'"),
        ('task.matches("(a+)+")', "there is no 'matches'"),
        ("[1, 2].all(hour, hour > 1)", "there is no 'all'"),
        ('content + 1 == "a"', "can't be evaluated"),
        ("[1, 2][hour] == 1", "can't be evaluated: index out of bounds"),
        ("1 / (hour - 12) == 1", "can't be evaluated: division by zero"),
        ("hour * 9223372036854775807 == 1", "can't be evaluated: Arithmetic overflow"),
        ('hour == "noon" + 1', "can't be evaluated"),
        ("hour", "it is int, not true or false"),
        ("size(tags) > 0", "tags is read by key"),
        ('"vip" in metadata', "metadata is read by key"),
    ],
)
def test_what_cannot_be_a_condition_says_why(source: str, told: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        condition(source)
    assert told in refused.value.message
    assert refused.value.message.endswith((".", '"code".'))

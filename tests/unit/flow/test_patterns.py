"""The patterns that workflows begin with."""

import pytest

from legato.core.errors import NotFound
from legato.flow.checking import check_definition
from legato.flow.patterns import MODEL, pattern, pattern_text, patterns

NAMES = [one.name for one in patterns()]


def test_each_of_the_patterns_is_there() -> None:
    assert NAMES == [
        "agent",
        "chain",
        "fan_out",
        "intake",
        "panel",
        "router",
        "supervisor",
        "triage",
    ]
    assert all(one.title and one.description for one in patterns())


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_can_run(name: str) -> None:
    assert check_definition(pattern(name)).problems == ()


@pytest.mark.parametrize("name", NAMES)
def test_whoever_takes_one_names_its_model(name: str) -> None:
    assert f"model: {MODEL}" not in pattern_text(name, "openai/gpt-5-mini")
    assert "openai/gpt-5-mini" in str(pattern(name, "openai/gpt-5-mini"))


def test_an_unknown_one_is_told_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="agent, chain"):
        pattern("../agent")

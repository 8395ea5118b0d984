import pytest

from legato.registry.expectations import unfulfilled
from legato.registry.prompt import Expectation

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number"}},
    "required": ["total"],
}


@pytest.mark.parametrize(
    ("expect", "answer", "told"),
    [
        (Expectation(contains=("sorry",)), "We are sorry.", []),
        (Expectation(contains=("sorry", "kind")), "No.", ["'sorry'", "'kind'"]),
        (Expectation(not_contains=("No",)), "No.", ["contains 'No'"]),
        (Expectation(regex=r"\d{4}"), "in 2026", []),
        (Expectation(regex=r"^\d{4}$"), "in 2026", ["doesn't match"]),
        (Expectation(json=True), '{"total": 1}', []),
        (Expectation(json=True), "total: 1", ["is no JSON text"]),
        (Expectation(json=True), '{"total": "1"}', ["['total']"]),
        (Expectation(json=True), "[" * 100_000, ["is no JSON text"]),
    ],
)
def test_what_an_answer_falls_short_of(expect: Expectation, answer: str, told: list[str]) -> None:
    found = list(unfulfilled(expect, answer, SCHEMA))
    assert len(found) == len(told)
    for problem, part in zip(found, told, strict=True):
        assert part in problem


def test_json_without_a_schema_is_any_json() -> None:
    assert not list(unfulfilled(Expectation(json=True), "[1]", None))

"""What expressions read, and what they ask for before they do."""

import pytest

from legato.flow.cel.references import Reference
from legato.flow.expressions import compile_expression


def paths(source: str) -> list[str]:
    return [
        ".".join(map(str, reference.path)) for reference in compile_expression(source).references
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("steps.a.output.x > input['q'].z", ["steps.a.output.x", "input.q.z"]),
        ("steps.a.output[0].name", ["steps.a.output.0.name"]),
        ("steps[input.which].output", ["steps", "input.which"]),
        ("input.list.map(x, x.name + vars.end)", ["input.list", "vars.end"]),
        ("input.map(input, input.x)", ["input"]),
        ("[run.id, {'k': run.user}]", ["run.id", "run.user"]),
        ("size(steps.a.output) + 1", ["steps.a.output"]),
        ("a.b.trim().split(c)", ["a.b", "c"]),
        ("1 + 2", []),
    ],
)
def test_paths_are_followed_as_far_as_the_text_says(source: str, expected: list[str]) -> None:
    assert paths(source) == expected


def test_what_is_worked_out_below_a_path_is_said() -> None:
    first, _ = compile_expression("steps[input.which].output").references
    assert first == Reference(("steps",), whole=False)


@pytest.mark.parametrize(
    "source",
    [
        "has(steps.a) && steps.a.output.x",
        "steps.a.output.x && has(steps.a)",
        "has(steps.a) ? steps.a.output.x : false",
        "!has(steps.a) || steps.a.output.x",
        "!has(steps.a) ? true : steps.a.output.x",
        "'a' in steps && steps.a.output.x",
        "has(steps.a.output) && has(steps.b) && steps.a.output.x",
    ],
)
def test_what_is_asked_for_first_is_guarded(source: str) -> None:
    read = [each for each in compile_expression(source).references if not each.tested]
    assert [("steps", "a") in each.guarded for each in read] == [True]


@pytest.mark.parametrize(
    "source",
    [
        "steps.a.output.x",
        "has(steps.b) && steps.a.output.x",
        "has(steps.a) || steps.a.output.x",
        "(has(steps.a) || has(steps.b)) && steps.a.output.x",
        "has(steps.a) ? false : steps.a.output.x",
    ],
)
def test_what_isnt_asked_for_isnt(source: str) -> None:
    read = [each for each in compile_expression(source).references if not each.tested]
    assert [("steps", "a") in each.guarded for each in read] == [False]

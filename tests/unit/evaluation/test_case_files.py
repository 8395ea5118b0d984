import json
from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.evaluation.case_files import (
    Cases,
    as_line,
    json_lines,
    read_cases,
    read_shares,
    table_lines,
)


def read(*cases: Any) -> Cases:
    return read_cases(json_lines(b"\n".join(json.dumps(one).encode() for one in cases)))


def test_an_input_is_a_text_messages_or_variables() -> None:
    text, messages, variables = read(
        {"input": "Hi"},
        {"input": [{"role": "user", "content": "Ho"}], "expected": {"a": 1}, "weight": 2},
        {"input": {"variables": {"name": "Ada"}}, "context": ["one", "two"], "tags": ["t"]},
    ).cases
    assert text.messages == ({"role": "user", "content": "Hi"},)
    assert (messages.messages[0]["content"], messages.expected, messages.weight) == (
        "Ho",
        {"a": 1},
        2,
    )
    assert (variables.variables, variables.context, variables.tags) == (
        {"name": "Ada"},
        "one\n\ntwo",
        ("t",),
    )


def test_the_same_content_is_kept_once_whatever_it_is_called() -> None:
    found = read(
        {"input": "Hi", "id": "one"}, {"input": "Hi", "id": "two"}, {"input": "Hi", "expected": "x"}
    )
    assert found.cases[0].id == "one"
    assert (len(found.cases), found.duplicates) == (2, 1)


def test_a_case_is_written_as_it_is_read() -> None:
    cases = read({"input": "Hi", "expected": 3, "split": "test"}, {"input": "Ho"}).cases
    again = read_cases(json_lines(b"".join(map(as_line, cases)))).cases
    assert again == cases


def test_every_problem_names_its_line_and_field() -> None:
    content = b'{"input": "Hi"}\n\n{"inptu": "Ho"}\n{"input": "x", "weight": 0}\n{"input": {}}\n3'
    with pytest.raises(InvalidRequest) as refused:
        read_cases(json_lines(content))
    assert refused.value.message.split("\n") == [
        "line 3: inptu: is unknown; did you mean `input`?",
        "line 3: input: is missing",
        "line 4: weight: expected `float` > 0.0",
        "line 5: input: write a text, messages, or an object with variables",
        'line 6: must be an object such as {"input": ...}',
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"input": "Hi"', "line 1: is no JSON object"),
        (b"\n", "holds no case"),
        (b'{"input":"a","id":"1"}\n{"input":"b","id":"1"}', "line 2: id: '1' stands in line 1"),
    ],
)
def test_what_cannot_be_read_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_cases(json_lines(content))


def test_a_table_has_variables_in_columns_of_their_own() -> None:
    content = (
        b"id,variables.country,expected,tags,weight\n"
        b'fr,France,"Paris,\nor so",a; b,2\n'
        b"de,Germany,Berlin,,\n"
    )
    france, germany = read_cases(table_lines(content)).cases
    assert (france.id, france.variables, france.expected) == (
        "fr",
        {"country": "France"},
        "Paris,\nor so",
    )
    assert (france.tags, france.weight, germany.tags, germany.weight) == (("a", "b"), 2, (), 1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"input,answer\na,b\n", "line 1: no column is called 'answer'"),
        (b"input,expected\na\n", "line 2: has not as many cells"),
        (b"input,weight\na,b\n", "line 2: weight: must be a number"),
        (b"input\n\xff\n", "not UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_cases(table_lines(content))


def test_cases_go_to_splits_by_their_content_and_stay_there() -> None:
    lines = [(n, {"input": f"question {n}"}) for n in range(1, 1001)]
    shares = read_shares(["test=0.2", "dev=0.3"])
    cases = read_cases(lines, shares).cases
    sizes = {name: sum(one.split == name for one in cases) for name in ("test", "dev", "")}
    assert 150 < sizes["test"] < 250
    assert 250 < sizes["dev"] < 350
    fewer = {one.id: one.split for one in read_cases(lines[::7], shares).cases}
    assert fewer.items() <= {one.id: one.split for one in cases}.items()


@pytest.mark.parametrize("text", ["test", "test=x", "=0.2", "test=0", "test=1.5"])
def test_shares_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="NAME=SHARE"):
        read_shares([text])


def test_shares_make_no_more_than_all() -> None:
    with pytest.raises(InvalidRequest, match="more than 1"):
        read_shares(["a=0.6", "b=0.6"])

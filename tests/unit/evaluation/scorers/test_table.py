import time
from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.evaluation.scorers.table import SCORERS, read_scorer, read_scorers
from legato.evaluation.scoring import Answer, Case, Reply, Score, Unscored


class Embeddings:
    """A caller that answers with vectors as an embedding model would."""

    def __init__(self, *vectors: list[float], error: str = "") -> None:
        self._vectors = vectors
        self._error = error

    async def call(self, endpoint: str, body: dict[str, Any]) -> Reply:
        assert endpoint == "/v1/embeddings"
        assert len(body["input"]) == 2
        data = [{"index": i, "embedding": one} for i, one in enumerate(self._vectors)]
        return Reply(body={"data": data}, request_id="e1", cost=70, latency_us=5, error=self._error)


async def scored(
    plain: dict[str, Any], text: str, *, expected: Any = None, caller: Any = None, **of_case: Any
) -> Score:
    case = Case(id="1", expected=expected, **of_case)
    answer = Answer(text=text, cost=1_500, latency_us=250_000)
    return await read_scorer(plain, "scorers[0]").score(case, answer, caller or Embeddings())


@pytest.mark.parametrize(
    ("plain", "text", "expected", "value"),
    [
        ({"use": "exact"}, " Paris\n", "Paris", 1),
        ({"use": "exact"}, "paris", "Paris", 0),
        ({"use": "exact", "ignore_case": True}, "paris", "Paris", 1),
        ({"use": "exact"}, "4", 4, 1),
        ({"use": "contains"}, "It is Paris.", "paris", 1),
        ({"use": "contains"}, "It is Paris.", ["Paris", "France"], 0.5),
        ({"use": "contains", "need": "any"}, "It is Paris.", ["Paris", "France"], 1),
        ({"use": "contains", "texts": ["x"]}, "y", None, 0),
        ({"use": "regex", "pattern": r"^\d{4}-\d\d$"}, "2026-11", None, 1),
        ({"use": "regex", "pattern": r"\bsorry\b", "negate": True}, "sorry", None, 0),
        ({"use": "json"}, '{"a": 1, "b": [true]}', {"b": [True], "a": 1.0}, 1),
        ({"use": "json"}, '{"a": true}', {"a": 1}, 0),
        ({"use": "json"}, '```json\n{"a": 1}\n```', '{"a": 1}', 1),
        ({"use": "json"}, "not it", {"a": 1}, 0),
        ({"use": "json", "match": "subset"}, '{"a": 1, "z": 3}', {"a": 1}, 1),
        ({"use": "json", "match": "subset"}, '{"a": 1, "b": 3}', {"a": 1, "b": 2}, 0.5),
        ({"use": "json_schema", "schema": {"type": "array"}}, "[1]", None, 1),
        ({"use": "json_schema", "schema": {"type": "array"}}, "{}", None, 0),
        ({"use": "numeric"}, "I had 3, so it makes 1,234.5.", 1234.5, 1),
        ({"use": "numeric"}, "It is \u22123.", -3, 1),
        ({"use": "numeric", "take": "first"}, "3 of 4", "3", 1),
        ({"use": "numeric", "take": "only"}, "It is 3", 3, 0),
        ({"use": "numeric", "relative": 0.1}, "91", 100, 1),
        ({"use": "numeric", "tolerance": 0.5}, "2.51", 2, 0),
        ({"use": "numeric"}, "none", 2, 0),
        ({"use": "latency", "max_ms": 250}, "x", None, 1),
        ({"use": "latency", "max_ms": 249}, "x", None, 0),
        ({"use": "cost", "max_usd": "0.0000015"}, "x", None, 1),
        ({"use": "cost", "max_usd": "0.0000014"}, "x", None, 0),
    ],
)
async def test_scorers_judge(plain: Any, text: str, expected: Any, value: float) -> None:
    score = await scored(plain, text, expected=expected)
    assert score.value == pytest.approx(value)
    assert (score.value == 1) is (not score.reason)


async def test_grounding_is_the_share_of_sentences_in_the_context() -> None:
    context = "The tower was built in 1889 by the company of Gustave Eiffel."
    text = "The tower was built in 1889. It weighs 10100 tonnes."
    score = await scored({"use": "grounding"}, text, context=context)
    assert score.value == 0.5
    assert "10100" in score.reason
    wrong_year = await scored({"use": "grounding"}, "Built in 1890 by Eiffel.", context=context)
    assert wrong_year.value == 0


async def test_meaning_is_the_cosine_of_embeddings_and_costs_a_call() -> None:
    plain = {"use": "semantic", "model": "embed"}
    score = await scored(plain, "b", expected="a", caller=Embeddings([3.0, 4.0], [4.0, 3.0]))
    assert score.value == pytest.approx(0.96)
    assert (score.cost, score.request_ids) == (70, ("e1",))
    against = await scored(plain, "b", expected="a", caller=Embeddings([1.0, 0.0], [-1.0, 0.0]))
    assert against.value == 0


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ({"use": "exact"}, None),
        ({"use": "json"}, None),
        ({"use": "numeric"}, "many"),
        ({"use": "grounding"}, "x"),
        ({"use": "semantic", "model": "embed"}, None),
    ],
)
async def test_a_case_that_lacks_what_a_scorer_needs_is_unscored(plain: Any, expected: Any) -> None:
    with pytest.raises(Unscored):
        await scored(plain, "x", expected=expected)


async def test_an_embedding_that_fails_leaves_the_case_unscored() -> None:
    caller = Embeddings(error="rate_limit_exceeded")
    with pytest.raises(Unscored, match="rate_limit_exceeded"):
        await scored({"use": "semantic", "model": "e"}, "b", expected="a", caller=caller)


async def test_no_expression_hangs_a_run() -> None:
    began = time.monotonic()
    score = await scored({"use": "regex", "pattern": "(a+)+$"}, "a" * 50_000 + "b")
    assert score.value == 0
    assert time.monotonic() - began < 1


def doubling(levels: int) -> dict[str, Any]:
    """Return a schema whose every level names the next one twice."""
    levelled: dict[str, Any] = {
        f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(levels)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**levelled, f"a{levels}": {"type": "integer"}}}


async def test_no_schema_hangs_a_run() -> None:
    began = time.monotonic()
    with pytest.raises(InvalidRequest, match="meet again too often"):
        await scored({"use": "json_schema", "schema": doubling(40)}, "1")
    assert (await scored({"use": "json_schema", "schema": doubling(4)}, "1")).value == 1
    for name in ("x", "items", "$defs"):
        inner = {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}
        plain = {"use": "json_schema", "schema": {"properties": {name: inner}}}
        with pytest.raises(Unscored, match="nests too deep"):
            await scored(plain, f'{{"{name}":' * 40 + "1" + "}" * 40)
        assert (await scored(plain, f'{{"{name}": {{"{name}": {{}}}}}}')).value == 1
    with pytest.raises(InvalidRequest, match="meet again too often"):
        await scored({"use": "json_schema", "schema": {"allOf": [{"$ref": "#"}]}}, "1")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("reference", ["#anchor", "https://a.example/s", "#/$defs/b"])
async def test_a_schema_says_all_it_refers_to(reference: str) -> None:
    schema = {"$ref": reference, "$defs": {"a": {"$anchor": "anchor", "type": "integer"}}}
    with pytest.raises(InvalidRequest, match=r"scorers\[0\].schema"):
        await scored({"use": "json_schema", "schema": schema}, "1")
    for elsewhere in ({"$dynamicRef": "#"}, {"not": {"$id": "https://a.example/s"}}):
        with pytest.raises(InvalidRequest, match="can't be followed"):
            await scored({"use": "json_schema", "schema": elsewhere}, "1")


async def test_a_schema_of_trees_judges_trees() -> None:
    tree = {
        "anyOf": [
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree"}},
            {"type": "array", "items": {"$ref": "#/$defs/tree"}},
            {"type": "string"},
        ]
    }
    plain = {"use": "json_schema", "schema": {"$ref": "#/$defs/tree", "$defs": {"tree": tree}}}
    assert (await scored(plain, '{"a": [{"b": ["c", {}]}, "d"]}')).value == 1
    assert (await scored(plain, '{"a": [{"b": [1]}]}')).value == 0


@pytest.mark.parametrize(
    ("plain", "field", "told"),
    [
        ({"use": "exakt"}, "scorers[0].use", "name one of exact, contains"),
        ("exact", "scorers[0].use", "name one of"),
        ({"use": "exact", "ignorecase": True}, "scorers[0].ignorecase", "did you mean"),
        ({"use": "regex"}, "scorers[0].pattern", "missing"),
        ({"use": "regex", "pattern": "(?=a)"}, "scorers[0].pattern", "no regular expression"),
        ({"use": "json_schema", "schema": {"type": "x"}}, "scorers[0].schema.type", "JSON Schema"),
        ({"use": "numeric", "tolerance": -1}, "scorers[0].tolerance", "at least 0"),
        ({"use": "grounding", "overlap": 0}, "scorers[0].overlap", "above 0"),
        ({"use": "latency", "max_ms": 0}, "scorers[0].max_ms", "above 0"),
        ({"use": "cost", "max_usd": "-1"}, "scorers[0].max_usd", "at least 0"),
        ({"use": "exact", "fail_under": 1.5}, "scorers[0].fail_under", "between 0 and 1"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(plain: Any, field: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told) as refused:
        read_scorers([plain])
    assert refused.value.param == field


def test_two_scorers_of_a_suite_have_two_names() -> None:
    with pytest.raises(InvalidRequest, match="another name"):
        read_scorers([{"use": "exact"}, {"use": "exact"}])
    found = read_scorers([{"use": "exact"}, {"use": "exact", "name": "loose"}])
    assert [one.label for one in found] == ["exact", "loose"]


def test_every_scorer_is_found_by_its_name() -> None:
    assert set(SCORERS) >= {"exact", "contains", "regex", "json", "json_schema", "numeric"}

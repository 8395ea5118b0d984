"""Scorers of JSON: equal, part of it, of a schema."""

import re
from typing import Any, Final, Literal

import jsonschema_rs
import msgspec

from legato.core.errors import InvalidRequest
from legato.core.json_schema import refuse_address, schema_problem
from legato.core.schema_work import VISITS_MAX, depth_of, visits
from legato.evaluation.scoring import Answer, Caller, Case, Score, ScorerSettings, Unscored

_FENCE: Final = re.compile(r"\A\s*```[a-zA-Z]*\n(.*)\n```\s*\Z", re.DOTALL)
_SHOWN_MAX: Final = 200
_NOTHING: Final = object()


class JsonMatch(ScorerSettings, frozen=True, tag="json"):
    """Whether the answer is the expected JSON, or holds it.

    With `subset`, objects may have more fields than expected; the score is the share of the
    expected leaves that are there. With `equal` it is 1 or 0. Lists are compared in order.
    """

    match: Literal["equal", "subset"] = "equal"

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Compare values, not texts."""
        wanted = _expected_value(case)
        got = _value(answer.text)
        if got is _NOTHING:
            return Score(value=0.0, reason="is no JSON text")
        if self.match == "equal":
            same = _same(wanted, got)
            return Score(value=float(same), reason="" if same else "is another value")
        leaves = list(_leaves(wanted, got, "$"))
        amiss = [place for place, good in leaves if not good]
        reason = f"differs at {', '.join(amiss)}"[:_SHOWN_MAX] if amiss else ""
        return Score(value=1 - len(amiss) / len(leaves), reason=reason)


class JsonSchema(ScorerSettings, frozen=True, tag="json_schema"):
    """Whether the answer is JSON of a schema. Addresses in the schema are never fetched."""

    schema: dict[str, Any]

    def require_settings(self) -> None:
        """Refuse what is no schema."""
        super().require_settings()
        problem = schema_problem(self.schema)
        if problem is not None:
            place = ".".join(("schema", *map(str, problem[0])))
            raise InvalidRequest(f"{place}: {problem[1]}", param=place)
        if visits(self.schema, 1) > VISITS_MAX:
            msg = "schema: its references meet again too often; say each thing once"
            raise InvalidRequest(msg, param="schema")

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Validate."""
        got = _value(answer.text)
        if got is _NOTHING:
            return Score(value=0.0, reason="is no JSON text")
        if visits(self.schema, depth_of(got)) > VISITS_MAX:
            raise Unscored("the answer nests too deep to be checked by this schema")
        validator = jsonschema_rs.validator_for(
            self.schema, retriever=refuse_address, pattern_options=jsonschema_rs.RegexOptions()
        )
        error = next(iter(validator.iter_errors(got)), None)
        if error is None:
            return Score(value=1.0)
        place = "".join(f"[{step!r}]" for step in error.instance_path)
        return Score(value=0.0, reason=f"{place or 'it'}: {error.message}"[:_SHOWN_MAX])


def _value(text: str) -> Any:
    """Return what a text says, a code block around it aside; _NOTHING where it is no JSON."""
    fenced = _FENCE.match(text)
    try:
        return msgspec.json.decode(fenced[1] if fenced else text)
    except (msgspec.DecodeError, RecursionError):
        return _NOTHING


def _expected_value(case: Case) -> Any:
    if case.expected is None:
        raise Unscored("the case has no expected value")
    if isinstance(case.expected, str):
        value = _value(case.expected)
        return case.expected if value is _NOTHING else value
    return case.expected


def _same(wanted: Any, got: Any) -> bool:
    """Compare as JSON does: true is not 1, and 1 is 1.0."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, dict) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(_same(wanted[k], got[k]) for k in wanted)
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(map(_same, wanted, got))
    return bool(wanted == got)


def _leaves(wanted: Any, got: Any, place: str) -> Any:
    """Yield each expected leaf's place, and whether it is as expected."""
    if isinstance(wanted, dict) and wanted:
        inside = got if isinstance(got, dict) else {}
        for name, value in wanted.items():
            yield from _leaves(value, inside.get(name, _NOTHING), f"{place}.{name}")
    elif isinstance(wanted, list) and wanted:
        fits = isinstance(got, list) and len(got) == len(wanted)
        for index, value in enumerate(wanted):
            yield from _leaves(value, got[index] if fits else _NOTHING, f"{place}[{index}]")
    else:
        yield place, got is not _NOTHING and _same(wanted, got)

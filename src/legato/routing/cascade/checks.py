"""Whether an answer will do, by what can be said without asking anybody."""

from typing import Any, Final, NoReturn

import jsonschema_rs
import msgspec

from legato.core.config_cascade import Check
from legato.core.errors import ConfigInvalid
from legato.core.expressions import FAILURES, Program, context_of, program_of
from legato.routing.cascade.answer import Said

TRUNCATED: Final = "truncated"
WITHHELD: Final = "withheld"
FORMAT: Final = "format"
SCHEMA: Final = "schema"
MATCHES: Final = "matches"
LACKS: Final = "lacks"
WHEN: Final = "when"
CONFIDENCE: Final = "confidence"
JUDGE: Final = "judge"
_TEXT_MAX: Final = 1_000_000
"""Characters that are looked through; a longer answer fails every check of its text."""
_NOT_JSON: Any = object()
_decode = msgspec.json.Decoder().decode

ANSWER_SAMPLES: Final[dict[str, Any]] = {"text": "", "characters": 0, "confidence": 0.0}
"""What a condition can ask of an answer; `confidence` is -1 where the model doesn't say."""


class Checks:
    """A route's check, compiled once."""

    def __init__(self, check: Check) -> None:
        """Compile it.

        Raises:
            ConfigInvalid: a schema, an expression or a condition can't be; it names the field.
        """
        if check == Check():
            msg = "check: it asks nothing of an answer. Give one of its fields."
            raise ConfigInvalid(msg)
        self.judge = check.judge
        self._format = check.format
        self._confidence = check.confidence
        self._schema = None if check.schema is None else _validator(check.schema, SCHEMA)
        self._matches = _pattern(check.matches, MATCHES)
        self._lacks = _pattern(check.lacks, LACKS)
        self._when = _condition(check.when)

    def fault(self, said: Said, wanted_format: dict[str, Any] | None) -> str:
        """Return which check an answer fails, "" for none. `wanted_format` as a request has it."""
        if said.cut or said.withheld:
            return TRUNCATED if said.cut else WITHHELD
        if len(said.text) > _TEXT_MAX:
            return MATCHES
        value = self._value(said.text, wanted_format)
        if self._format and wanted_format is not None and not _is_of(wanted_format, value):
            return FORMAT
        if self._schema is not None and (value is _NOT_JSON or not self._schema.is_valid(value)):
            return SCHEMA
        if self._matches is not None and not self._matches.is_valid(said.text):
            return MATCHES
        if self._lacks is not None and self._lacks.is_valid(said.text):
            return LACKS
        sure = said.confidence
        if self._confidence is not None and sure is not None and sure < self._confidence:
            return CONFIDENCE
        return "" if self._when is None or _holds(self._when, said) else WHEN

    def _value(self, text: str, wanted_format: dict[str, Any] | None) -> Any:
        if self._schema is None and (not self._format or wanted_format is None):
            return _NOT_JSON
        try:
            return _decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return _NOT_JSON


def _is_of(wanted: dict[str, Any], value: Any) -> bool:
    """Tell whether a value is of the `response_format` that was asked for."""
    kind = wanted.get("type")
    if kind == "json_object":
        return isinstance(value, dict)
    if kind != "json_schema":
        return True
    if value is _NOT_JSON:
        return False
    stated = wanted.get("json_schema")
    schema = stated.get("schema") if isinstance(stated, dict) else None
    if not isinstance(schema, dict):
        return True
    try:
        return bool(_made(schema).is_valid(value))
    except (jsonschema_rs.ValidationError, ValueError):
        return True  # a caller's schema that nobody can check holds nothing back


def _holds(when: Program, said: Said) -> bool:
    values = {
        "text": said.text,
        "characters": len(said.text),
        "confidence": -1.0 if said.confidence is None else said.confidence,
    }
    try:
        return bool(when.execute(context_of(values)))
    except FAILURES:
        return False


def _condition(source: str) -> Program | None:
    if not source:
        return None
    try:
        return _tried(source)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"check.when: {error.message}") from None


def _tried(source: str) -> Program:
    """Compile a condition and try it on an answer. Raises ConfigInvalid."""
    program = program_of(source)
    unknown = sorted(set(program.variables()) - ANSWER_SAMPLES.keys())
    if unknown:
        msg = f"an answer has no {unknown[0]!r}. Known: {', '.join(ANSWER_SAMPLES)}."
        raise ConfigInvalid(msg)
    try:
        value = program.execute(context_of(ANSWER_SAMPLES))
    except FAILURES:
        raise ConfigInvalid("can't be evaluated. Compare values of one type.") from None
    if not isinstance(value, bool):
        msg = f"it is {type(value).__name__}, not true or false. Compare it with something."
        raise ConfigInvalid(msg)
    return program


def _pattern(pattern: str, field: str) -> Any:
    """Compile an expression: Rust's engine, whose time grows with the text alone."""
    return _validator({"type": "string", "pattern": pattern}, field) if pattern else None


def _validator(schema: dict[str, Any], field: str) -> Any:
    try:
        return _made(schema)
    except (jsonschema_rs.ValidationError, ValueError):
        told = "is no valid JSON Schema"
        if field != SCHEMA:
            told = "is no regular expression without look-around and back-references"
        raise ConfigInvalid(f"check.{field}: {told}") from None


def _made(schema: dict[str, Any]) -> Any:
    options = jsonschema_rs.RegexOptions()
    return jsonschema_rs.validator_for(schema, retriever=_refused, pattern_options=options)


def _refused(address: str) -> NoReturn:
    """Fetch nothing. Raises ValueError."""
    msg = f"{address[:300]} is not fetched; put what it holds under $defs"
    raise ValueError(msg)

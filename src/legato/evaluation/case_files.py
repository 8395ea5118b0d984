"""Cases as people write them: lines of JSON, or a table (CSV)."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from io import StringIO
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.origin import NO_ORIGIN, Origin
from legato.evaluation.scoring import Case
from legato.flow.rehearsal import NOTHING_GIVEN, Given
from legato.registry.reading import Problem, problems_in

CASES_MAX: Final = 100_000
CASE_BYTES_MAX: Final = 256 * 1024
_PROBLEMS_MAX: Final = 20
_ID_DIGITS: Final = 16
_VARIABLE: Final = "variables."
_COLUMNS: Final = ("id", "input", "expected", "context", "tags", "weight", "split")
Line = tuple[int, Any]
"""Where something stands, and what it says as plain data."""
Word = Annotated[str, Meta(max_length=200)]


class _Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    messages: Annotated[tuple[dict[str, Any], ...], Meta(max_length=1_000)] = ()
    variables: dict[str, Any] = {}


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input: Any
    id: Word = ""
    expected: Any = None
    context: str | tuple[str, ...] = ""
    tags: Annotated[tuple[Word, ...], Meta(max_length=50)] = ()
    weight: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    split: Word = ""
    given: Given = NOTHING_GIVEN
    origin: Origin = NO_ORIGIN


class Cases(NamedTuple):
    """What was read: each content once; `duplicates` counts what came again."""

    cases: tuple[Case, ...]
    duplicates: int


def json_lines(content: bytes) -> Iterator[Line]:
    """Yield the lines of a JSONL file that aren't blank. Raises InvalidRequest with the line."""
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        if len(line) > CASE_BYTES_MAX:
            raise InvalidRequest(f"line {number}: is longer than {CASE_BYTES_MAX} bytes")
        try:
            yield number, msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            raise InvalidRequest(f"line {number}: is no JSON object on one line") from None


def table_lines(content: bytes) -> Iterator[Line]:
    """Yield the rows of a CSV file as cases.

    Columns are those of a case; `variables.NAME` is a prompt's variable, `tags` are separated by
    `;`. An empty cell says nothing. Raises InvalidRequest with the line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("the file is not UTF-8 text") from None
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    try:
        columns = rows.fieldnames or ()
        for name in columns:
            if name not in _COLUMNS and not name.startswith(_VARIABLE):
                known = ", ".join((*_COLUMNS, f"{_VARIABLE}NAME"))
                raise InvalidRequest(f"line 1: no column is called {name[:60]!r}; known: {known}")
        for row in rows:
            if None in row or None in row.values():
                told = f"line {rows.line_num}: has not as many cells as the first line"
                raise InvalidRequest(told)
            yield rows.line_num, _from_cells(row, f"line {rows.line_num}")
    except csv.Error as error:
        raise InvalidRequest(f"line {rows.line_num}: {error}") from None


def read_cases(lines: Iterable[Line], shares: Mapping[str, float] | None = None) -> Cases:
    """Read cases; one that names no split gets one by `shares`, by the hash of its content.

    Raises:
        InvalidRequest: with the line and field of each problem, the first twenty.
    """
    problems: list[str] = []
    by_content: dict[str, Case] = {}
    ids: dict[str, int] = {}
    duplicates = 0
    for number, plain in lines:
        try:
            case, digest = _case(plain, shares or {})
        except InvalidRequest as error:
            problems += [f"line {number}: {told}" for told in error.message.split("\n")]
        else:
            if digest in by_content:
                duplicates += 1
            elif case.id in ids:
                problems.append(f"line {number}: id: {case.id!r} stands in line {ids[case.id]}")
            else:
                by_content[digest], ids[case.id] = case, number
        if len(problems) >= _PROBLEMS_MAX or len(by_content) > CASES_MAX:
            break
    if len(by_content) > CASES_MAX:
        problems.append(f"there are more than {CASES_MAX} cases; make several data sets")
    if problems:
        raise InvalidRequest("\n".join(problems[:_PROBLEMS_MAX]))
    if not by_content:
        raise InvalidRequest("the file holds no case")
    return Cases(tuple(by_content.values()), duplicates)


def read_shares(texts: Iterable[str]) -> dict[str, float]:
    """Read what `NAME=SHARE` says, shares of 1. Raises InvalidRequest."""
    shares = {}
    for text in texts:
        name, _, share = text.partition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            shares[name] = -1.0
        if not name or not 0 < shares[name] <= 1:
            raise InvalidRequest(f"split: {text[:60]!r}: write NAME=SHARE, as test=0.2")
    if sum(shares.values()) > 1 + 1e-9:
        raise InvalidRequest("split: the shares make more than 1")
    return shares


def as_line(case: Case) -> bytes:
    """Return a case as a line that is read as the same case."""
    plain = msgspec.to_builtins(case)
    given = {name: plain.pop(name) for name in ("messages", "variables") if name in plain}
    return msgspec.json.encode({"id": plain.pop("id"), "input": given, **plain}) + b"\n"


def _case(plain: Any, shares: Mapping[str, float]) -> tuple[Case, str]:
    problems = problems_in(plain, _Written)
    given = _given(plain.get("input")) if isinstance(plain, dict) else None
    if given is not None:
        problems += problems_in(given, _Input, "input")
    if problems:
        raise InvalidRequest("\n".join(str(_told(one)) for one in problems))
    written, read = msgspec.convert(plain, _Written), msgspec.convert(given, _Input)
    if not (read.messages or read.variables):
        raise InvalidRequest("input: write a text, messages, or an object with variables")
    context = written.context
    case = Case(
        id=written.id,
        messages=read.messages,
        variables=read.variables,
        expected=written.expected,
        context=context if isinstance(context, str) else "\n\n".join(context),
        tags=written.tags,
        weight=written.weight,
        split=written.split,
        given=written.given,
        origin=written.origin,
    )
    digest = _content_digest(case)
    return msgspec.structs.replace(
        case, id=case.id or digest[:_ID_DIGITS], split=case.split or _split(digest, shares)
    ), digest


def _told(problem: Problem) -> Problem:
    return problem if problem.place else Problem("", 'must be an object such as {"input": ...}')


def _given(plain: Any) -> Any:
    """Return an input in its long form: a text is one message of a user."""
    if isinstance(plain, str):
        return {"messages": [{"role": "user", "content": plain}]}
    return {"messages": plain} if isinstance(plain, list) else plain


def _content_digest(case: Case) -> str:
    content: list[Any] = [case.messages, case.variables, case.expected, case.context]
    if case.given != NOTHING_GIVEN:
        content.append(case.given)
    return sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _split(digest: str, shares: Mapping[str, float]) -> str:
    at, upto = int(digest[:13], 16) / 16**13, 0.0
    for name, share in shares.items():
        upto += share
        if at < upto:
            return name
    return ""


def _from_cells(row: Mapping[str, str], place: str) -> dict[str, Any]:
    plain: dict[str, Any] = {name: row[name] for name in _COLUMNS if row.get(name)}
    variables = {
        name.removeprefix(_VARIABLE): text
        for name, text in row.items()
        if name.startswith(_VARIABLE)
    }
    if variables:
        text = plain.pop("input", "")
        messages = [{"role": "user", "content": text}] if text else []
        plain["input"] = {"messages": messages, "variables": variables}
    if "tags" in plain:
        plain["tags"] = [tag.strip() for tag in plain["tags"].split(";") if tag.strip()]
    if "weight" in plain:
        try:
            plain["weight"] = float(plain["weight"])
        except ValueError:
            raise InvalidRequest(f"{place}: weight: must be a number") from None
    return plain

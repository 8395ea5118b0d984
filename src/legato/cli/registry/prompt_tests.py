"""What `legato registry test` does: calls a prompt as its callers do, and judges the answers."""

import sys
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # written only, never read

import click
import msgspec

from legato.app.checks.instance import running_server
from legato.app.config.data_dir import DataDir
from legato.cli.conformance.findings import Unfulfilled
from legato.cli.conformance.subject import CHAT, Answer, Subject
from legato.cli.options import print_json
from legato.cli.registry_desk import opened
from legato.core.errors import InvalidRequest, OperatorError
from legato.core.registry import shown
from legato.registry.expectations import unfulfilled
from legato.registry.prompt import MODEL_PREFIX, PromptSpec, PromptTest, read_prompt

_OK = 200


class Result(msgspec.Struct, frozen=True):
    """A test, and what its answer falls short of; `cost_usd` as the answer says."""

    name: str
    problems: tuple[str, ...]
    cost_usd: str


def run(
    *,
    version: str,
    key: str,
    url: str | None,
    junit: Path | None,
    as_json: bool,
    data: Path,
    **options: Any,
) -> None:
    """Run a version's tests; end with status 1 where one fails."""
    with opened(data=data, **options) as desk:
        record = desk.version(version)
        spec = read_prompt(desk.registry.content(record))
    if not spec.tests:
        raise InvalidRequest(f"{shown(record.name, record.digest)} has no tests", param="version")
    model = f"{MODEL_PREFIX}{record.name.name}@{record.digest}"
    subject = Subject(url or _running(data), key, model)
    results = [_result(subject, spec, test) for test in spec.tests]
    if junit is not None:
        junit.write_bytes(as_junit(model, results))
    _print(results, as_json=as_json)
    if any(result.problems for result in results):
        sys.exit(1)


def as_junit(suite: str, results: Iterable[Result]) -> bytes:
    """Return results in the form that build servers read."""
    results = list(results)
    failed = sum(bool(result.problems) for result in results)
    root = ET.Element("testsuite", name=suite, tests=str(len(results)), failures=str(failed))
    for result in results:
        case = ET.SubElement(root, "testcase", classname=suite, name=result.name)
        if result.problems:
            failure = ET.SubElement(case, "failure", message=result.problems[0])
            failure.text = "\n".join(result.problems)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _running(data: Path) -> str:
    server = running_server(DataDir(data))
    if server is None:
        raise OperatorError(f"nothing runs in {data}: start `legato up`, or give --url")
    return server.url


def _result(subject: Subject, spec: PromptSpec, test: PromptTest) -> Result:
    body = {"model": subject.model, "metadata": {"variables": test.variables}}
    try:
        answer = subject.post(CHAT, body)
    except (OSError, HTTPException) as error:
        return Result(test.name, (f"no answer: {error!r}",), "0")
    cost_usd = answer.headers.get("x-legato-cost-usd", "0")
    try:
        text = _text(answer)
    except Unfulfilled as error:
        return Result(test.name, (str(error),), cost_usd)
    problems = tuple(unfulfilled(test.expect, text, spec.output_schema))
    return Result(test.name, problems, cost_usd)


def _text(answer: Answer) -> str:
    """Return what the model says. Raises Unfulfilled."""
    found = answer.json
    if answer.status != _OK:
        raise Unfulfilled(f"{answer.status}: {found['error']['message']}")
    return found["choices"][0]["message"]["content"] or ""


def _print(results: Iterable[Result], *, as_json: bool) -> None:
    if as_json:
        print_json([msgspec.structs.asdict(result) for result in results])
        return
    for result in results:
        click.echo(f"{'FAIL' if result.problems else 'ok':<5} {result.name}")
        for problem in result.problems:
            click.echo(f"      {problem}")

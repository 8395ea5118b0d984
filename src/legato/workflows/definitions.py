"""Definitions outside of runs: checked, turned into other forms and back, and their cost foreseen.

What commands and the control API share. Blocking; nothing is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.price import Price
from legato.core.usage import Usage
from legato.economics.cost import cost
from legato.flow.checking import Finding, check_definition
from legato.flow.definition import Definition
from legato.flow.expected_cost import Beliefs, ExpectedCost, Observed, Range, Sources, expected_cost
from legato.flow.formats import as_json, as_mermaid, as_yaml, laid_out
from legato.flow.python_source import python_source
from legato.flow.serverless.reading import is_document, read_document
from legato.flow.serverless.writing import write_document
from legato.registry.content import as_yaml as plain_yaml
from legato.registry.reading import ContentInvalid
from legato.registry.workflows import read_workflow


class Format(StrEnum):
    """What a definition can be written as."""

    YAML = "yaml"
    JSON = "json"
    PYTHON = "python"
    MERMAID = "mermaid"
    SERVERLESS = "serverless-workflow"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What checking came to; places are like `nodes.classify.when`."""

    valid: bool
    problems: tuple[Finding, ...]
    hints: tuple[Finding, ...]


def verdict_on(content: Any, active: Callable[[Any], object] | None = None) -> Verdict:
    """Return what is wrong with a definition written as plain data.

    `active` checks, too, what it names of others; it raises ContentInvalid.
    """
    try:
        definition = read_workflow(content)
    except ContentInvalid as error:
        return Verdict(valid=False, problems=_found(error), hints=())
    found = check_definition(definition)
    problems = found.problems
    if active is not None:
        try:
            active(content)
        except ContentInvalid as error:
            problems = _found(error)
    return Verdict(valid=not problems, problems=problems, hints=found.hints)


def _found(error: ContentInvalid) -> tuple[Finding, ...]:
    return tuple(Finding(one.place, one.message) for one in error.problems)


def written(definition: Definition, name: str, form: Format) -> str:
    """Return a definition in a form; JSON with a place on the canvas for each node.

    Raises:
        InvalidRequest: the form can't hold it; naming node and field.
    """
    match form:
        case Format.YAML:
            return as_yaml(definition)
        case Format.JSON:
            return as_json(laid_out(definition))
        case Format.PYTHON:
            return python_source(definition)
        case Format.MERMAID:
            return as_mermaid(definition)
        case Format.SERVERLESS:
            return plain_yaml(write_document(definition, name))


def taken_over(plain: Any) -> Definition:
    """Return the definition in plain data: one of ours, a registry's document, or one of the DSL.

    Raises:
        InvalidRequest: it is none of them, or has what is unknown here; naming the place.
    """
    if is_document(plain):
        return read_document(plain)
    return read_workflow(content_of(plain))


def content_of(plain: Any) -> Any:
    """Return the definition in a document of the registry; what isn't one as it is.

    Raises:
        InvalidRequest: it is a document of something else.
    """
    if not (isinstance(plain, Mapping) and "spec" in plain and "kind" in plain):
        return plain
    if plain["kind"] != "workflow":
        msg = f"kind: this is a {plain['kind']}, not a workflow"
        raise InvalidRequest(msg, param="kind")
    return plain["spec"]


def foreseen(
    definition: Definition,
    prices_of: Callable[[str], Sequence[Price]],
    *,
    workflow: Callable[[str], Definition | None] = lambda _: None,
    history: Mapping[str, Observed] | None = None,
    beliefs: Mapping[str, Any] | None = None,
) -> ExpectedCost:
    """Return what a run is expected to cost.

    `prices_of` gives what the deployments charge that a name may be sent to, the first one first;
    `beliefs` replaces some of `Beliefs`, each as a list of low, likely and high.

    Raises:
        InvalidRequest: a belief is unknown or none, or paths form a circle.
    """
    sources = Sources(
        priced=lambda model, tokens_in, tokens_out: _priced(
            prices_of(model), tokens_in, tokens_out
        ),
        workflow=workflow,
        history=history or {},
        beliefs=_beliefs(beliefs or {}),
    )
    return expected_cost(definition, sources)


def _beliefs(given: Mapping[str, Any]) -> Beliefs:
    changed = {}
    for name, values in given.items():
        if name not in Beliefs.__struct_fields__:
            known = ", ".join(Beliefs.__struct_fields__)
            msg = f"beliefs.{name}: is unknown; known: {known}"
            raise InvalidRequest(msg, param=f"beliefs.{name}")
        low, likely, high = _three(name, values)
        changed[name] = Range(low, likely, high)
    return msgspec.structs.replace(Beliefs(), **changed)


def _three(name: str, values: Any) -> tuple[float, float, float]:
    try:
        three = msgspec.convert(values, tuple[float, float, float])
    except msgspec.ValidationError:
        three = (1.0, 0.0, 0.0)
    if not 0 <= three[0] <= three[1] <= three[2]:
        msg = f"beliefs.{name}: give low, likely and high, none below the one before"
        raise InvalidRequest(msg, param=f"beliefs.{name}")
    return three


def _priced(prices: Sequence[Price], tokens_in: Range, tokens_out: Range) -> Range | None:
    """Return low at the cheapest deployment, likely at the first one, high at the dearest."""
    if not prices:
        return None

    def of(price: Price, figure: str) -> float:
        usage = Usage(
            in_uncached=round(getattr(tokens_in, figure)),
            out_text=round(getattr(tokens_out, figure)),
        )
        return float(cost(usage, price))

    return Range(
        min(of(price, "low") for price in prices),
        of(prices[0], "likely"),
        max(of(price, "high") for price in prices),
    )

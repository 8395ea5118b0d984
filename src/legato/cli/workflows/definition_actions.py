"""What those of `legato workflow` about definitions do."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from legato.app.checks.instance import find_instance
from legato.app.config.yaml_file import parse_yaml, read_yaml
from legato.app.desks.registry_access import Workflows
from legato.app.desks.served_now import served_now
from legato.app.desks.tools import against_naming
from legato.app.models.served_models import ServedModels, charged_for
from legato.app.prices.price_book import PriceBook
from legato.app.prices.pricing import priced_deployments
from legato.app.prices.pricing import prices_of as book_prices
from legato.app.ruling import rules_in_force
from legato.cli.options import print_json
from legato.cli.registry_desk import Desk, opened, say_outside
from legato.cli.registry_lines import say_moves
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.core.errors import InvalidRequest, NotFound
from legato.core.price import Price
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_name, selector, shown
from legato.core.tenant import Tenant
from legato.flow.definition import Definition
from legato.flow.expected_cost import ExpectedCost, Observed, Range
from legato.flow.formats import as_yaml, plain
from legato.flow.serverless.reading import is_document, read_document
from legato.registry.documents import Document
from legato.registry.workflows import read_workflow
from legato.storage.database.engine import open_engine
from legato.storage.ledger.sums import SpendSums
from legato.storage.workflows.runs import WorkflowRuns
from legato.workflows.definitions import (
    Format,
    Verdict,
    content_of,
    foreseen,
    taken_over,
    verdict_on,
    written,
)
from legato.workflows.history import observed

_INVALID: Final = 1
_FILES: Final = frozenset({".yaml", ".yml", ".json"})
_NANO: Final = 1_000_000_000


def validate(*, file: Path, here: bool, as_json: bool, **options: Any) -> None:
    """Check a definition."""
    data = _plain(file)
    content = plain(read_document(data)) if is_document(data) else content_of(data)
    if here:
        with opened(**options) as desk:
            config = _served(options)[0].config
            here_there = Workflows(
                lambda: _callable_names(config),
                config,
                options["org"],
                against_tool=_against_tool(options),
            )
            there = partial(_is_there, desk)
            verdict = verdict_on(content, lambda one: here_there.active(one, there))
    else:
        verdict = verdict_on(content)
    _print_verdict(verdict, str(file), as_json=as_json)
    if not verdict.valid:
        sys.exit(_INVALID)


def export(*, name: str, form: str, output: Path | None, **options: Any) -> None:
    """Write a workflow of the registry in another form."""
    with opened(**options) as desk:
        definition = _definition(desk, name)
    _give(written(definition, name.partition("@")[0], Format(form)), output)


def take_over(
    *,
    file: Path,
    name: str | None,
    labels: tuple[str, ...],
    output: Path | None,
    author: str | None,
    reason: str,
    **options: Any,
) -> None:
    """Read a definition; print or keep it."""
    definition = taken_over(_plain(file))
    if name is None:
        if labels:
            msg = "--label points to what --save keeps; give --save NAME"
            raise InvalidRequest(msg, param="label")
        _give(as_yaml(definition), output)
        return
    document = Document(Kind.WORKFLOW, checked_name(name), plain(definition), labels=labels)
    with opened(**options) as desk:
        record, moves = desk.registry.save(document, desk.act(author, reason))
        say_outside(desk, document)
    click.echo(f"{shown(record.name, record.digest)} is version {record.number}.")
    say_moves(moves)


def cost(*, what: str, beliefs: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Say what a run will cost."""
    served, cache = _served(options)
    with opened(**options) as desk:
        file = Path(what)
        is_file = file.suffix in _FILES
        definition = taken_over(_plain(file)) if is_file else _definition(desk, what)
        found = foreseen(
            definition,
            _prices(served, cache, desk),
            workflow=partial(_known, desk),
            history=None if is_file else _history(options, what.partition("@")[0]),
            beliefs=dict(_belief(one) for one in beliefs),
        )
    if as_json:
        print_json(found)
        return
    _print_cost(found)


def _history(options: dict[str, Any], workflow: str) -> Mapping[str, Observed]:
    tenant = Tenant(options["org"])
    engine = open_engine(find_instance(options["data"], options["config_file"]).database_url)
    return observed(WorkflowRuns(engine, tenant), SpendSums(engine, tenant), workflow)


def _prices(served: ServedModels, cache: Path, desk: Desk) -> Callable[[str], Sequence[Price]]:
    """Return what finds prices; those of a prompt are its route's."""
    book = PriceBook(cache, SystemClock())
    prices = book_prices(priced_deployments(served.config, book.ask))

    def of(model: str) -> Sequence[Price]:
        kind, _, name = model.partition(":")
        if kind == Kind.PROMPT and name:
            text, _, version = name.partition("@")
            wanted = ObjectName(Kind.PROMPT, text)
            registry = desk.registry
            record = registry.read.version(
                wanted, selector(version or DEFAULT_LABEL), desk.environment
            )
            model = registry.content(record)["route"]
        return charged_for(served.config, prices, model)

    return of


def _served(options: dict[str, Any]) -> tuple[ServedModels, Path]:
    """Return what is served, and where the price book is kept."""
    instance = find_instance(options["data"], options["config_file"])
    served = served_now(instance, lambda told: click.echo(told, err=True))
    return served, instance.data.cache


def _callable_names(config: Config) -> frozenset[str]:
    return frozenset(
        (*(one.alias for one in config.routes), *(one.name for one in config.deployments))
    )


def _against_tool(options: dict[str, Any]) -> Callable[[str], str]:
    instance = find_instance(options["data"], options["config_file"])
    config = instance.loaded.config
    rules = rules_in_force(config.access, instance.database_url)()
    return partial(against_naming, config.tools, rules, options["org"])


def _is_there(desk: Desk, name: ObjectName, version: str) -> bool:
    try:
        desk.registry.read.version(name, selector(version or DEFAULT_LABEL), desk.environment)
    except NotFound:
        return False
    return True


def _definition(desk: Desk, reference: str) -> Definition:
    name, _, version = reference.partition("@")
    wanted = ObjectName(Kind.WORKFLOW, checked_name(name))
    registry = desk.registry
    record = registry.read.version(wanted, selector(version or DEFAULT_LABEL), desk.environment)
    return read_workflow(registry.content(record))


def _known(desk: Desk, reference: str) -> Definition | None:
    try:
        return _definition(desk, reference)
    except NotFound:
        return None


def _plain(file: Path) -> Any:
    if str(file) == "-":
        return parse_yaml(sys.stdin.read(), "stdin").plain()
    return read_yaml(file).plain()


def _belief(text: str) -> tuple[str, list[float]]:
    name, _, values = text.partition("=")
    try:
        return name, [float(value) for value in values.split(",")]
    except ValueError:
        msg = f"--believe {text!r}: write NAME=LOW,LIKELY,HIGH"
        raise InvalidRequest(msg, param="believe") from None


def _give(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)


def _print_verdict(verdict: Verdict, name: str, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "valid": verdict.valid,
                "problems": [one._asdict() for one in verdict.problems],
                "hints": [one._asdict() for one in verdict.hints],
            }
        )
        return
    for problem in verdict.problems:
        click.echo(f"{name}: {problem}", err=True)
    for hint in verdict.hints:
        click.echo(f"{name}: hint: {hint}")
    if verdict.valid:
        click.echo(f"{name} can run.")


def _print_cost(found: ExpectedCost) -> None:
    print_table(
        ("node", "kind", "model", "calls", "tokens in", "tokens out", "USD", "by"),
        [
            (
                one.node,
                one.kind,
                one.model,
                _figures(one.calls),
                _figures(one.input_tokens),
                _figures(one.output_tokens),
                _money(one.cost_nano_usd),
                one.basis,
            )
            for one in found.nodes
        ],
    )
    click.echo(f"A run: {_figures(found.calls)} calls, {_money(found.cost_nano_usd)} USD")
    click.echo("(low / likely / high)")
    for told in found.assumptions:
        click.echo(f"- {told}")
    for model in found.unpriced:
        click.echo(f"! no price is known of {model}: its cost is missing")


def _figures(found: Range) -> str:
    return " / ".join(f"{value:,.3g}" for value in (found.low, found.likely, found.high))


def _money(found: Range) -> str:
    return " / ".join(f"{value / _NANO:.6f}" for value in (found.low, found.likely, found.high))

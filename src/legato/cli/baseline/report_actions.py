"""What `legato baseline report` and `legato assess` do."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.baseline.booked_labour import booked_labour
from legato.app.baseline.reporting import Asked, Labour, Report, as_json, build
from legato.app.checks.instance import Instance, find_instance
from legato.app.config.data_dir import DataDir
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.prices.price_book import PriceBook
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.code_audit.finding import Kind
from legato.code_audit.scanning import CodeAudit
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, amount, display_usd
from legato.core.tenant import Tenant
from legato.economics.readiness import Assessment, Facts
from legato.economics.readiness import assess as judged
from legato.economics.world_before import Shares, Tag

Place = tuple[Path, Path | None]
_NS_PER_S: Final = 10**9
_SHARES: Final = ("routable", "cacheable", "batchable")


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a labour file."""

    activity: str
    hours: Decimal
    rate: Decimal
    tag: Tag = Tag.ASSUMED
    source: str = "labour file"


def report(place: Place, said: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a report."""
    asked, instance = _asked(said), find_instance(*place)
    with stored_data(instance, create=True) as stored:
        asked = _with_books(asked, instance)
        found = _build(stored, place[0], asked)
    if found is None:
        raise InvalidRequest(
            f"no usage in {asked.currency} is imported for {asked.org}: legato baseline import FILE"
        )
    if as_json:
        print_json(_json(found))
    else:
        _print(found)


def assess(
    place: Place, said: Mapping[str, Any], *, own_usd: str | None, code: Path | None, as_json: bool
) -> None:
    """Print an assessment."""
    asked, instance = _asked(said), find_instance(*place)
    with stored_data(instance, create=True) as stored:
        asked = _with_books(asked, instance)
        found = _build(stored, place[0], asked)
        live = stored.tenant_sums(Tenant(asked.org)).total().requests
    facts = _facts(found, asked, None if code is None else _code(code), live)
    if own_usd is not None:
        facts = msgspec.structs.replace(facts, own_cost=_usd(own_usd, "own-usd"))
    told = judged(facts)
    if as_json:
        print_json(told)
    else:
        _print_assessment(told)


def _build(stored: StoredData, data: Path, asked: Asked) -> Report | None:
    store = stored.usage_imports()
    book = PriceBook(DataDir(data).cache, SystemClock())
    rows = store.usage(asked.org, since_ns=asked.since_ns, until_ns=asked.until_ns)
    rates = stored.books(asked.org).rates.between
    return build(store.every(asked.org), rows, asked, book.ask, rates=rates)


def _with_books(asked: Asked, instance: Instance) -> Asked:
    """Take labour from the books, where nobody says it here."""
    if asked.labour:
        return asked
    found = booked_labour(instance.database_url, SystemClock(), Tenant(asked.org))
    return msgspec.structs.replace(asked, labour=found)


def _asked(said: Mapping[str, Any]) -> Asked:
    routes = dict(_pairs(said["routes"], "route"))
    shares = {name: _shares(said[name], name) for name in _SHARES}
    if shares["routable"] and not routes:
        raise InvalidRequest("routable: say with --route which cheaper model would do")
    return Asked(
        org=said["org"],
        currency=said["currency"].upper(),
        since_ns=_day(said["since"], "since", 0),
        until_ns=_day(said["until"], "until", 2**63 - 1),
        routes=routes,
        labour=_labour(said),
        **shares,
    )


def _labour(said: Mapping[str, Any]) -> list[Labour]:
    found = []
    if said["hours"] and said["rate"] is None:
        raise InvalidRequest("rate: say what an hour costs, as --rate 95")
    for activity, hours in _pairs(said["hours"], "hours"):
        rate = _usd(said["rate"], "rate")
        found.append(Labour(activity=activity, hours=_number(hours, "hours"), rate=rate))
    if said["labour"] is not None:
        try:
            entries = msgspec.yaml.decode(said["labour"].read_bytes(), type=list[_Said])
        except (OSError, msgspec.MsgspecError) as error:
            raise InvalidRequest(f"labour: {said['labour']} can't be read: {error}") from None
        found += [
            Labour(activity=one.activity, hours=one.hours, rate=_usd(str(one.rate), "rate"),
                   tag=one.tag, source=one.source)
            for one in entries
        ]  # fmt: skip
    return found


def _pairs(values: tuple[str, ...], name: str) -> list[tuple[str, str]]:
    found = []
    for value in values:
        left, equals, right = value.partition("=")
        if not (left and equals and right):
            raise InvalidRequest(f"{name}: {value!r}: write NAME=VALUE")
        found.append((left, right))
    return found


def _shares(text: str | None, name: str) -> Shares | None:
    if text is None:
        return None
    parts = [_number(part, name) for part in text.split(":")]
    if len(parts) == 1:
        parts *= 3
    if len(parts) != 3 or not 0 <= parts[0] <= parts[1] <= parts[2] <= 1:  # noqa: PLR2004
        raise InvalidRequest(f"{name}: {text!r}: write three rising shares, as 0.2:0.4:0.6")
    return Shares(parts[0], parts[1], parts[2], Tag.ASSUMED, f"--{name} {text}")


def _number(text: str, name: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidRequest(f"{name}: {text!r} is not a number") from None
    if not number.is_finite() or number < 0:
        raise InvalidRequest(f"{name}: {text!r}: give a number from 0 upward")
    return number


def _usd(text: str, name: str) -> int:
    try:
        return amount(_number(text, name))
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}") from None


def _day(text: str | None, name: str, otherwise: int) -> int:
    if text is None:
        return otherwise
    from legato.cli.spans import moment  # noqa: PLC0415 - a click type

    try:
        return moment(text).before(SystemClock().now_ns())
    except click.BadParameter as error:
        raise InvalidRequest(f"{name}: {error.message}") from None


def _facts(found: Report | None, asked: Asked, code: CodeAudit | None, live: int) -> Facts:
    facts = Facts(live_requests=live)
    if found is not None:
        saved = [sum(one.saving[column] for one in found.outcome.steps) for column in range(3)]
        facts = msgspec.structs.replace(
            facts,
            days=found.days,
            cost=found.outcome.before,
            lines=found.read_lines,
            lines_with_cost=found.lines_with_cost,
            vendors=found.vendors,
            calls_with_content=found.calls_with_content,
            saving_low=saved[0],
            saving_point=saved[1],
            saving_high=saved[2],
        )
    if asked.labour:
        facts = msgspec.structs.replace(facts, labour=sum(one.cost for one in asked.labour))
    if code is not None:
        shared = [one for one in code.duplicates if one.what == "prompt" and len(one.services) > 1]
        named = {one.path for one in code.findings if one.kind is Kind.MODEL_NAME}
        facts = msgspec.structs.replace(
            facts,
            code_calls=code.counts[Kind.MODEL_CALL],
            code_services=len(code.services),
            keys_in_code=code.counts[Kind.KEY],
            files_naming_models=len(named),
            prompts_shared=len(shared),
            calls_without_limit=code.counts[Kind.NO_TOKEN_LIMIT],
            clients_without_timeout=code.counts[Kind.NO_TIMEOUT],
            unbounded_retries=sum(one.unbounded for one in code.findings),
        )
    return facts


def _code(path: Path) -> CodeAudit:
    try:
        return msgspec.json.decode(path.read_bytes(), type=CodeAudit)
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidRequest(
            f"code: {path} is nothing that `legato audit-code --format json` writes: {error}"
        ) from None


def _json(found: Report) -> dict[str, Any]:
    return as_json(found) | {"start": time_text(found.start_ns), "end": time_text(found.end_ns)}


def _print(found: Report) -> None:
    click.echo(
        f"{found.org}: a month as of {time_text(found.start_ns)} to {time_text(found.end_ns)} "
        f"({found.days:.0f} days), {found.currency}"
    )
    rows = [(one.name, _money(one.amount), one.tag.value, one.source) for one in found.lines]
    rows.append(("a month before", _money(found.before), "", "the sum of these"))
    print_table(("cost", "amount", "", "source"), rows, numbers=("amount",))
    steps = [
        (one.name, *map(_money, one.saving), one.tag.value, one.source)
        for one in found.outcome.steps
    ]
    left = ("models after", *map(_money, found.outcome.after), "", "what these leave")
    print_table(
        ("would change", "low", "point", "high", "", "source"),
        [("models before", *[_money(found.outcome.before)] * 3, "", ""), *steps, left],
        numbers=("low", "point", "high"),
    )
    for one in found.unknown:
        click.echo(f"not known: {one}")
    for one in found.left_out:
        click.echo(f"left out: {one}")


def _print_assessment(told: Assessment) -> None:
    click.echo(f"Is it worth it? {told.verdict.value}: {told.reason}.")
    if told.turns:
        click.echo(f"It turns {told.turns}.")
    for one in told.missing:
        click.echo(f"missing: {one}")
    rows = [(one.asked, one.state.value, one.found, one.threshold, one.do)
            for one in told.questions]  # fmt: skip
    print_table(("readiness", "state", "found", "threshold", "do"), rows)


def _money(nano: int) -> str:
    return display_usd(NanoUSD(nano), 2)

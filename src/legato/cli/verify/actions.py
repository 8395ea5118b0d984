"""What `legato verify provider` does, step by step."""

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from legato.app.desks.one_provider import OneProvider, find_provider, provider_at_hand
from legato.app.desks.served_now import served_now
from legato.app.prices.price_book import PriceBook
from legato.app.prices.pricing import address_of, priced_deployments
from legato.cli.options import print_json
from legato.cli.tables import make_table, print_table
from legato.cli.verify.check import Outcome, Result
from legato.cli.verify.evidence import evidence_of, keep
from legato.cli.verify.plan import Planned, plan
from legato.cli.verify.run import Verified, verify
from legato.core.clock import SystemClock
from legato.core.errors import OperatorError
from legato.core.money import NanoUSD, exact_usd
from legato.providers.base import ProviderSettings

_PIPED_WIDTH = 4096
_SECRET_CHARS_MIN = 4


class Wish(msgspec.Struct, frozen=True):
    """What the operator asked for."""

    provider: str
    deployment: str | None
    output_tokens: int | None
    timeout_s: float


class Prepared(msgspec.Struct, frozen=True):
    """A provider and what it will be asked."""

    one: OneProvider
    planned: list[Planned]
    timeout_s: float


def prepare(data: Path, config_file: Path | None, wish: Wish) -> Prepared:
    """Find the provider, choose its deployments, look their prices up.

    Raises:
        ConfigInvalid: there is no such provider or deployment, or a secret of its is missing.
    """
    one = find_provider(data, config_file, wish.provider)
    config = served_now(one.instance, partial(click.echo, err=True)).config
    clock = SystemClock()
    alone = msgspec.structs.replace(
        config, deployments=[d for d in config.deployments if d.provider == one.config.name]
    )
    prices = priced_deployments(alone, PriceBook(one.instance.data.cache, clock).ask)
    planned = plan(
        one.config,
        alone.deployments,
        prices,
        named=wish.deployment,
        output_tokens=wish.output_tokens,
        timeout_s=wish.timeout_s,
    )
    return Prepared(one, planned, wish.timeout_s)


def announce(prepared: Prepared) -> None:
    """Say on stderr what will be done and the most it can cost."""
    provider = prepared.one.config
    kind = f"{provider.kind}, {provider.preset}" if provider.preset else provider.kind
    place = address_of(provider) or "the address its kind knows"
    click.echo(f"Provider {provider.name} ({kind}) at {place}:", err=True)
    rows = [
        [
            one.facts.deployment,
            one.facts.model,
            one.work.value,
            str(one.calls_max),
            f"{one.input_tokens_max:,}",
            f"{one.output_tokens_max:,}",
            str(one.call_tokens_max),
            _usd_shown(one.cost_max),
        ]
        for one in prepared.planned
    ]
    columns = ("deployment", "model", "work", "calls", "tokens in", "out", "out a call", "USD")
    width = None if sys.stderr.isatty() else _PIPED_WIDTH
    Console(stderr=True, width=width).print(
        make_table(columns, rows, numbers=columns[3:], title="At most")
    )
    for one in prepared.planned:
        if one.facts.price is None:
            click.echo(f"UNPRICED {one.facts.deployment}: {one.facts.unpriced}", err=True)
    calls = sum(one.calls_max for one in prepared.planned)
    costs = _costs([(one, one.cost_max) for one in prepared.planned])
    priced = any(one.cost_max is not None for one in prepared.planned)
    most = f"They cost at most {costs}" if priced else "What they cost is not known"
    click.echo(
        f"Up to {calls} real calls, none tried again. {most}. They are in no ledger of Legato's.",
        err=True,
    )


def ask_for_consent() -> None:
    """Return if the operator agrees. Raises UsageError where nobody can be asked, or Abort."""
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: agree to the cost with --yes")
    click.confirm("Make these calls?", abort=True, err=True)


def carry_out(prepared: Prepared, *, as_json: bool) -> bool:
    """Make the calls, print what was seen, keep it; tell whether nothing failed."""
    one = prepared.one
    with provider_at_hand(one) as settings:
        verified = asyncio.run(verify(one, settings, prepared.planned, prepared.timeout_s))
        verified = [_without_secrets(ran, settings) for ran in verified]
    evidence = evidence_of(one, verified, SystemClock())
    try:
        file = keep(evidence, one.instance.data.evidence, one.config.name)
    except OSError as error:
        place = one.instance.data.evidence
        raise OperatorError(f"{place} can't be written: {error.strerror}: use --data") from error
    passed = not any(_bad(result) for ran in verified for result in ran.results)
    if as_json:
        print_json(_described(prepared, verified, file, passed=passed))
    else:
        _print(verified, file)
    return passed


def _bad(result: Result) -> bool:
    return result.outcome in {Outcome.FAILED, Outcome.NOT_RUN}


def _without_secrets(ran: Verified, settings: ProviderSettings) -> Verified:
    """Return the same with no secret in what was seen, should a provider repeat one."""
    known = [settings.api_key or "", *settings.secrets.values()]
    secrets = [secret for secret in known if len(secret) >= _SECRET_CHARS_MIN]

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "[key]")
        return text

    results = [msgspec.structs.replace(one, seen=clean(one.seen)) for one in ran.results]
    return msgspec.structs.replace(ran, results=results)


def _print(verified: list[Verified], file: Path) -> None:
    rows = [
        [ran.planned.facts.deployment, result.check.name, *_row(ran, result)]
        for ran in verified
        for result in ran.results
    ]
    columns = ("deployment", "check", "outcome", "seen", "tokens in", "out", "USD")
    print_table(columns, rows, numbers=columns[4:])
    results = [result for ran in verified for result in ran.results]
    counts = ", ".join(
        f"{sum(result.outcome is outcome for result in results)} {outcome.value}"
        for outcome in Outcome
    )
    calls = sum(ran.calls for ran in verified)
    read, written, _ = _totals(verified)
    costs = _costs([(ran.planned, ran.cost(ran.results)) for ran in verified])
    click.echo(f"{counts}.")
    click.echo(f"{calls} calls; reported: {read:,} tokens in, {written:,} out, {costs}.")
    click.echo(f"Evidence: {file}")


def _row(ran: Verified, result: Result) -> list[str]:
    if not result.spent:
        return [result.outcome.value, result.seen, "", "", ""]
    read, written = ran.usage([result])
    cost = ran.cost([result])
    shown = "?" if cost is None else exact_usd(cost)
    return [result.outcome.value, result.seen, f"{read:,}", f"{written:,}", shown]


def _described(
    prepared: Prepared, verified: list[Verified], file: Path, *, passed: bool
) -> dict[str, Any]:
    read, written, cost = _totals(verified)
    most = _sum([one.cost_max for one in prepared.planned])
    return {
        "provider": prepared.one.config.name,
        "kind": prepared.one.config.kind,
        "passed": passed,
        "calls": sum(ran.calls for ran in verified),
        "calls_max": sum(one.calls_max for one in prepared.planned),
        "input_tokens": read,
        "output_tokens": written,
        "cost_usd": _usd(cost),
        "cost_usd_max": _usd(most),
        "evidence": str(file),
        "deployments": [_deployment(ran) for ran in verified],
    }


def _deployment(ran: Verified) -> dict[str, Any]:
    facts = ran.planned.facts
    checks = []
    for result in ran.results:
        read, written = ran.usage([result])
        checks.append(
            {
                "name": result.check.name,
                "outcome": result.outcome.value,
                "about": result.check.about,
                "seen": result.seen,
                "input_tokens": read,
                "output_tokens": written,
                "cost_usd": _usd(ran.cost([result])),
            }
        )
    return {
        "deployment": facts.deployment,
        "model": facts.model,
        "work": ran.planned.work.value,
        "unpriced": facts.unpriced or None,
        "checks": checks,
    }


def _totals(verified: list[Verified]) -> tuple[int, int, NanoUSD | None]:
    pairs = [ran.usage(ran.results) for ran in verified]
    cost = _sum([ran.cost(ran.results) for ran in verified])
    return sum(read for read, _ in pairs), sum(written for _, written in pairs), cost


def _costs(amounts: list[tuple[Planned, NanoUSD | None]]) -> str:
    known = [amount for _, amount in amounts if amount is not None]
    unknown = [one.facts.deployment for one, amount in amounts if amount is None]
    said = [f"{exact_usd(NanoUSD(sum(known)))} USD"] if known else []
    said += [f"an unknown sum for {', '.join(unknown)} (unpriced)"] if unknown else []
    return " and ".join(said)


def _sum(amounts: list[NanoUSD | None]) -> NanoUSD | None:
    known = [amount for amount in amounts if amount is not None]
    return NanoUSD(sum(known)) if len(known) == len(amounts) else None


def _usd(amount: NanoUSD | None) -> str | None:
    return None if amount is None else exact_usd(amount)


def _usd_shown(amount: NanoUSD | None) -> str:
    return "unpriced" if amount is None else exact_usd(amount)

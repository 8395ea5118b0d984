"""What `legato guard explain` and `legato guard report` do: they read traces."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.cli.options import print_json
from legato.cli.spans import NS_PER_S
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.guard_facts import Guarded, plain_facts
from legato.core.guard_output import plain_output
from legato.core.tenant import Tenant
from legato.guardrails.policy.precision import Precision
from legato.guardrails.policy.reporting import Report, policy_name, report_of


def explain(stored: StoredData, request_id: str, *, as_json: bool) -> bool:
    """Print what guardrails did with a request; False where no trace of it is kept."""
    trace = stored.entries().trace(request_id)
    if trace is None:
        click.echo(f"No trace of {request_id} is kept.", err=True)
        return False
    guarded: Guarded | None = trace["guarded"]
    if as_json:
        answer = trace["decision"].output
        told = None if answer is None else plain_output(answer)
        print_json(None if guarded is None else {**plain_facts(guarded), "answer": told})
    elif guarded is None:
        click.echo("No policy applied to it.")
    else:
        click.echo("\n".join(_lines(guarded, trace)))
    return True


def report(
    data: Path,
    config_file: Path | None,
    *,
    org: str,
    since: int,
    policy: str | None,
    as_json: bool,
) -> None:
    """Print what policies did since then, and how often people said they were right."""
    since_ns = SystemClock().now_ns() - since * NS_PER_S
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        found = report_of(_guarded(stored, org, since_ns))
        precisions = stored.guard_samples(instance, org).precisions()
    if policy is not None:
        named = tuple(one for one in found.rules if policy_name(one.policy) == policy)
        found = msgspec.structs.replace(found, rules=named)
    judged = [precisions.get((policy_name(one.policy), one.rule, one.label)) for one in found.rules]
    if as_json:
        plain = msgspec.to_builtins(found)
        for row, one in zip(plain["rules"], judged, strict=True):
            row["precision"] = msgspec.to_builtins(one)
        print_json(plain)
    else:
        _print(found, judged)


def _guarded(stored: StoredData, org: str, since_ns: int) -> Iterator[tuple[str, Guarded]]:
    for trace in stored.tenant_entries(Tenant(org)).traces(since_ns):
        if trace["guarded"] is not None:
            yield trace["request_id"], trace["guarded"]


def _lines(guarded: Guarded, trace: dict[str, Any]) -> Iterator[str]:
    yield "Asked, in this order: " + ", ".join(guarded.policies)
    took = ", ".join(f"{name} {us} µs" for name, us in guarded.took_us) or "nothing"
    yield f"Took: {took}"
    for name in guarded.passed_over:
        yield f"Couldn't look, and was passed over: {name}"
    answer = trace["decision"].output
    for check in () if answer is None else answer.fired:
        yield f"The answer, {check.check}: {check.count} in {check.where} -> {check.action}"
        for start, end in check.spans:
            yield f"  {check.where} characters {start} to {end}"
    for one in guarded.fired:
        mode = "" if one.mode == "enforce" else f" ({one.mode}: nothing was done)"
        score = "" if one.score is None else f", score {one.score:g}"
        found = f"{one.count} {one.label} in {one.place}{score}"
        yield f"{one.policy} rule {one.rule}: {found} -> {one.action}{mode}"
        for span in one.spans:
            yield f"  {span.where} characters {span.start} to {span.end}"
    done = guarded.done or "nothing"
    yield f"Done: {done}; the caller got {trace['http_status']} {trace['error_code']}".rstrip()


def _precision(one: Precision | None) -> str:
    if one is None:
        return ""
    total = one.confirmed + one.rejected
    return f"{one.share:.2f} of {total} ({one.low:.2f}-{one.high:.2f})"


def _print(found: Report, judged: Sequence[Precision | None]) -> None:
    acted = ", ".join(f"{action or 'nothing'} {count}" for action, count in found.acted.items())
    click.echo(f"Requests that a policy applied to: {found.requests} (done: {acted or 'nothing'})")
    for name, count in found.passed_over.items():
        click.echo(f"Passed though {name} couldn't look: {count}")
    header = (
        "policy",
        "rule",
        "label",
        "action",
        "mode",
        "requests",
        "findings",
        "right",
        "newest",
    )
    rows = [
        (
            one.policy,
            one.rule,
            one.label,
            one.action,
            one.mode,
            str(one.requests),
            str(one.findings),
            _precision(precision),
            next(iter(one.examples), ""),
        )
        for one, precision in zip(found.rules, judged, strict=True)
    ]
    print_table(header, rows, numbers=("requests", "findings"))

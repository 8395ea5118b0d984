"""The weekly digest as text and as HTML, with the same words and figures."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

from legato.core.notification import Notification, Severity
from legato.notify.digest import (
    STEP_TITLES,
    Burn,
    Change,
    Report,
    changed,
    figure,
    listed,
    usd,
)
from legato.notify.telling import moment

_COLUMNS: Final = ("this week", "week before", "change")
_STYLE: Final = "text-align:left;padding:2px 14px 2px 0"


class Part(NamedTuple):
    """A title, sentences, and a table: its columns and rows."""

    title: str
    said: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def digest_of(report: Report, new_id: str, at_ns: int, channels: tuple[str, ...]) -> Notification:
    """Return the digest as it is sent: once for each team and week."""
    parts = list(parts_of(report))
    title = (
        f"{report.team}: {usd(report.total.cost)} from {report.week.first} to {report.week.last}"
    )
    return Notification(
        id=new_id,
        kind="digest.weekly",
        severity=Severity.INFO,
        title=title,
        text=text_of(parts),
        html=html_of(title, parts),
        at_ns=at_ns,
        once=once_of(report.org, report.team, report.week.first.isoformat()),
        org=report.org,
        team=report.team,
        facts=facts_of(report),
        channels=channels,
    )


def once_of(org: str, team: str, first_day: str) -> str:
    """Return what a digest is about."""
    return f"digest {org}/{team} {first_day}"


def facts_of(report: Report) -> dict[str, str | int | None]:
    """Return the figures for machines. Amounts are nano-USD."""
    facts: dict[str, str | int | None] = {
        "week": report.week.first.isoformat(),
        "time_zone": report.week.time_zone,
        "cost": report.total.cost,
        "cost_before": report.total.before,
        "requests": report.requests,
        "attempts": report.attempts,
        "unpriced": report.unpriced,
        "saved": report.saved,
    }
    facts |= {f"saved_by_{step}": amount for step, amount in report.saved_by.items()}
    facts |= {f"feature_{one.name}": one.cost for one in report.features}
    return facts | {f"model_{one.name}": one.cost for one in report.models}


def text_of(parts: Sequence[Part]) -> str:
    """Return plain text, tables in columns."""
    lines: list[str] = []
    for part in parts:
        lines += ["", part.title.upper(), *part.said]
        table = [list(part.columns), *map(list, part.rows)] if part.rows else []
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            cells = [
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
    return "\n".join(lines).strip()


def html_of(title: str, parts: Sequence[Part]) -> str:
    """Return a page without anything that is fetched from elsewhere."""
    body = [f"<h2>{escape(title)}</h2>"]
    for part in parts:
        body.append(f"<h3>{escape(part.title)}</h3>")
        body += [f"<p>{escape(line)}</p>" for line in part.said]
        if part.rows:
            head = "".join(f'<th style="{_STYLE}">{escape(name)}</th>' for name in part.columns)
            rows = "".join(
                "<tr>" + "".join(f'<td style="{_STYLE}">{escape(cell)}</td>' for cell in row)
                + "</tr>" for row in part.rows
            )  # fmt: skip
            body.append(f"<table><tr>{head}</tr>{rows}</table>")
    return (
        '<!doctype html><html><body style="font-family:sans-serif">'
        + "".join(body)
        + "</body></html>"
    )


def parts_of(report: Report) -> Iterator[Part]:
    """Yield what a digest says, part by part."""
    total, week = report.total, report.week
    days = f"from {week.first} to {week.last} ({week.time_zone})"
    said = [
        f"{usd(total.cost)} {days}, {usd(total.before)} in the week before: {changed(total)}.",
        f"{report.requests:,} requests, {report.attempts:,} attempts.",
    ]
    if report.unpriced:
        said.append(
            f"{report.unpriced:,} attempts have no price: what they cost is in none of these "
            "figures. `legato prices list` names their models."
        )
    yield Part("Spend", said)
    yield Part("By feature", (), ("feature", *_COLUMNS), _rows(report.features))
    yield Part("By model", (), ("model", *_COLUMNS), _rows(report.models))
    if report.movers:
        movers = [(one.name, usd(one.cost), usd(one.before), _more(one)) for one in report.movers]
        yield Part("What moved most", (), ("feature on model", *_COLUMNS), movers)
    if report.budgets:
        columns = ("budget", "used", "limit", "at this pace", "used up")
        yield Part("Budgets", (), columns, [_budget(one) for one in report.budgets])
    saved = [(STEP_TITLES[step], usd(amount)) for step, amount in report.saved_by.items() if amount]
    told = "Modelled, not measured: what the baselines would have charged for the same tokens."
    yield Part(
        "Savings", [f"{usd(report.saved)} saved. {told}"], ("by", "saved") if saved else (), saved
    )
    if report.triggers:
        rows = [(rule, action, f"{count:,}") for rule, action, count in report.triggers]
        yield Part("Policies", (), ("rule", "action", "requests"), rows)


def _rows(changes: Sequence[Change]) -> list[tuple[str, ...]]:
    return [
        (one.name or "(none)", usd(one.cost), usd(one.before), changed(one))
        for one in listed(changes)
    ]


def _more(one: Change) -> str:
    return f"{'+' if one.by > 0 else ''}{usd(one.by)}"


def _budget(one: Burn) -> tuple[str, ...]:
    return (
        f"{one.name}{f' ({one.of})' if one.of else ''}",
        figure(one.measure, one.used),
        figure(one.measure, one.limit),
        "" if one.forecast is None else figure(one.measure, one.forecast),
        "" if one.empty_ns is None else moment(one.empty_ns),
    )

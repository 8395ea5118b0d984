"""A report as Markdown: the review by its topics, any other by its figures."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from legato.core.money import NanoUSD, display_usd
from legato.economics.optimisation.lines import Line, Review, Topic
from legato.notify.digest import Report as TeamWeek
from legato.notify.digest_pages import parts_of
from legato.reporting.cfo import CfoReport
from legato.reporting.listing import COLUMNS, rows_of

_NANO: Final = 10**9


def as_markdown(report: CfoReport) -> bytes:
    """Return it as one page."""
    made = datetime.fromtimestamp(report.made_ns // _NANO, UTC)
    head = f"{report.org}, {report.period}; made {made:%Y-%m-%d %H:%M} UTC. {report.anchor}"
    lines = [f"# {report.title}", "", head]
    lines += [f"\nNot in it: {one}" for one in report.missing]
    if report.review is not None:
        lines += _review(report.review)
    elif report.weeks:
        for week in report.weeks:
            lines += _week(week)
    else:
        lines += ["", *_table(COLUMNS, rows_of(report))]
    return ("\n".join(lines) + "\n").encode()


def _week(week: TeamWeek) -> Iterator[str]:
    yield from ("", f"## {week.team}")
    for part in parts_of(week):
        yield from ("", f"### {part.title}", "", *part.said)
        if part.rows:
            yield from ("", *_table(part.columns, part.rows))


def _review(review: Review) -> Iterator[str]:
    yield ""
    yield (
        f"{review.requests:,} requests cost {amount_text(review.spent)}. What is recommended below "
        f"comes to {amount_text(review.found)} a month; its lines aren't independent."
    )
    for topic in Topic:
        lines = [one for one in review.lines if one.topic is topic]
        yield from ("", f"## {topic.value.capitalize()}", "")
        if not lines:
            yield "Nothing was found."
            continue
        yield from _table(("found", "USD", "basis", "advice", "needs"), map(_cells, lines))
        yield from ("", "Evidence:", "")
        for evidence in dict.fromkeys(one.evidence for one in lines):
            yield f"- `{evidence}`"


def _cells(one: Line) -> tuple[str, ...]:
    advice = f"**{one.advice}**" if one.recommended else one.advice
    return (one.what, amount_text(one.effect), one.basis.value, advice, one.needs)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in row)} |"


def amount_text(amount: int | None) -> str:
    """Write an amount for people; "" for none."""
    if amount is None:
        return ""
    return f"{'-' if amount < 0 else ''}${display_usd(NanoUSD(abs(amount)))}"

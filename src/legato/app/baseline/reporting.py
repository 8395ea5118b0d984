"""The world before, put together: imports, repeats, prices, labour, and what would change."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from legato.accounting.repeats import Repeats
from legato.app.baseline.currencies import OneCurrency, RatesOf, no_rates
from legato.core.imported_usage import ImportedUsage, UsageImport
from legato.core.money import NanoUSD, exact_usd
from legato.core.price import Price
from legato.core.usage import Usage
from legato.economics.cost import cost as cost_of
from legato.economics.price_book import PriceAnswer, PriceQuestion
from legato.economics.world_before import (
    Levers,
    ModelCost,
    Outcome,
    Shares,
    Tag,
    monthly,
    would_change,
)
from legato.evaluation.intervals import Interval, mean_interval

Ask = Callable[[Collection[PriceQuestion]], Mapping[PriceQuestion, PriceAnswer]]
_ADDRESSES: Final = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "vertex_ai": "https://aiplatform.googleapis.com",
    "mistral": "https://api.mistral.ai/v1",
    "cohere": "https://api.cohere.com",
    "groq": "https://api.groq.com/openai/v1",
    "deepseek": "https://api.deepseek.com",
    "xai": "https://api.x.ai/v1",
}
_DAYS_MIN: Final = 5
_DAY_NS: Final = 86_400 * 10**9


class Labour(msgspec.Struct, frozen=True, kw_only=True):
    """Work that somebody does every month: hours at a loaded rate, in nano-USD an hour."""

    activity: str
    hours: Decimal
    rate: int
    tag: Tag = Tag.ASSUMED
    source: str = "said"
    booked: int | None = None
    """What books say it cost a month, where they do: no hour is multiplied again."""

    @property
    def cost(self) -> int:
        """Nano-USD a month, rounded half-even."""
        if self.booked is not None:
            return self.booked
        return int((self.hours * self.rate).to_integral_value())

    @property
    def told(self) -> str:
        """Where it comes from, with its hours."""
        if self.booked is not None:
            return f"{self.source}: {self.hours.normalize():f} h"
        return f"{self.source}: {self.hours} h at {exact_usd(NanoUSD(self.rate))}"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a report. Shares are None where nobody says them."""

    org: str
    currency: str = "USD"
    since_ns: int = 0
    until_ns: int = 2**63 - 1
    routes: dict[str, str] = {}
    """Model to the cheaper one that would do."""
    routable: Shares | None = None
    cacheable: Shares | None = None
    batchable: Shares | None = None
    labour: list[Labour] = []


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One part of what a month costs."""

    name: str
    amount: int
    tag: Tag
    source: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A month before and after; amounts are nano of `currency`, and the lines sum to `before`."""

    org: str
    currency: str
    start_ns: int
    end_ns: int
    days: float
    lines: list[Line]
    before: int
    repeated: int | None
    """Within the models' cost: what was paid again for the same question; None where unknown."""
    repeat_share: Interval | None
    models: list[ModelCost]
    outcome: Outcome
    unknown: list[str]
    """Levers nobody can tell of, and what would tell."""
    left_out: list[str]
    imports: int
    read_lines: int
    lines_with_cost: int
    vendors: int
    calls_with_content: int


def build(
    imports: Iterable[UsageImport],
    rows: Iterable[ImportedUsage],
    asked: Asked,
    ask: Ask,
    *,
    rates: RatesOf = no_rates,
) -> Report | None:
    """Put a report together; None where no usage is known whose cost can be told in a currency.

    What is in another currency is converted by the rate of its day.
    """
    given = list(imports)
    logs = _repeats(given)
    money = OneCurrency(asked.currency, rows, rates)
    counted, left_out, span = _counted(money.rows())
    if span is None:
        return None
    start_ns, end_ns = span
    models, charges, unpriced = _models(counted, asked, ask, money)
    left_out += [*unpriced, *money.told]
    share = _share(logs)
    levers = Levers(
        repeats=_as_shares(share, "identical questions in imported logs, by cost of days"),
        near=_near(logs, share),
        routing=asked.routable if asked.routes else None,
        prompt_cache=asked.cacheable,
        batch=asked.batchable,
    )
    outcome = would_change(models, levers)
    listed = sum(row.lines for row in counted if row.charge == "usage" and not row.costed)
    lines = _lines(models, charges, asked.labour, share, listed=listed)
    return Report(
        org=asked.org,
        currency=asked.currency,
        start_ns=start_ns,
        end_ns=end_ns,
        days=(end_ns - start_ns) / _DAY_NS,
        lines=lines,
        before=sum(line.amount for line in lines),
        repeated=outcome.steps[0].saving.point if levers.repeats else None,
        repeat_share=share,
        models=models,
        outcome=outcome,
        unknown=_unknown(levers, asked),
        left_out=left_out,
        imports=len(given),
        read_lines=sum(row.lines for row in counted),
        lines_with_cost=sum(row.costed for row in counted),
        vendors=len({row.vendor for row in counted}),
        calls_with_content=sum(one.calls for one in logs),
    )


def _counted(
    kept: list[ImportedUsage],
) -> tuple[list[ImportedUsage], list[str], tuple[int, int] | None]:
    """Return what counts: each use once.

    A vendor's bill goes before a log of the same vendor; among reports of a vendor those with a
    cost before those without, since a usage and a cost report tell of the same use.
    """
    logged = {"litellm", "langfuse", "helicone"}
    billed = {row.vendor for row in kept if row.source not in logged and row.costed}
    reported = {row.vendor for row in kept if row.source not in logged}
    found: list[ImportedUsage] = []
    skipped: dict[str, int] = defaultdict(int)
    for row in kept:
        if row.source in logged:
            twice = row.vendor in reported or (row.vendor == "unknown" and bool(reported))
            why = f"{row.source}: the bill of {row.vendor} says it"
        else:
            twice = not row.costed and row.vendor in billed
            why = f"{row.source}: usage whose cost another report of {row.vendor} says"
        if twice:
            skipped[why] += row.lines
        else:
            found.append(row)
    told = [f"{lines:,} lines of {why}" for why, lines in sorted(skipped.items())]
    if not found:
        return [], told, None
    return found, told, (min(row.start_ns for row in found), max(row.end_ns for row in found))


def _models(
    rows: list[ImportedUsage], asked: Asked, ask: Ask, money: OneCurrency
) -> tuple[list[ModelCost], dict[str, int], list[str]]:
    """Return models with a month's cost, other charges, and what has no cost and no price."""
    prices, spans = _prices(rows, asked, ask), _spans(rows)
    sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    charges: dict[tuple[str, str], int] = defaultdict(int)
    unpriced: dict[str, int] = defaultdict(int)
    for row in rows:
        name = row.model or row.sku or row.service or "other"
        if row.charge != "usage":
            charges[row.charge, row.vendor] += row.cost
            continue
        price = prices.get((row.vendor, row.model))
        amount: int | None = row.cost
        if not row.costed:
            if price is None or price.price is None:
                unpriced[f"{row.vendor}/{name}"] += row.lines
                continue
            amount = money.of_list(cost_of(row.usage, price.price), row)
        if amount is None:
            continue
        other = prices.get((row.vendor, asked.routes.get(row.model, "")))
        sums[row.vendor, name].add(row, amount, price, other)
    models = [
        found.as_month(f"{vendor}/{name}", spans[vendor])
        for (vendor, name), found in sorted(sums.items())
    ]
    told = [f"{lines:,} lines of {name}: neither a cost nor a price is known"
            for name, lines in sorted(unpriced.items())]  # fmt: skip
    month: dict[str, int] = defaultdict(int)
    for (charge, vendor), amount in sorted(charges.items()):
        month[charge] += monthly(amount, *spans[vendor])
    return models, month, told


def _spans(rows: Iterable[ImportedUsage]) -> dict[str, tuple[int, int]]:
    """Return what time each vendor's reports cover: one may have a month, another a year."""
    spans: dict[str, tuple[int, int]] = {}
    for row in rows:
        start_ns, end_ns = spans.get(row.vendor, (row.start_ns, row.end_ns))
        spans[row.vendor] = min(start_ns, row.start_ns), max(end_ns, row.end_ns)
    return spans


class _Sum:
    """One model: what it cost, and what its tokens would at other prices, at the same discount.

    What has a tier of its own, such as batches, isn't at the list price: it is left as it is.
    """

    def __init__(self) -> None:
        self.cost = 0
        self._listed = 0
        self._otherwise: dict[str, int | None] = dict.fromkeys(("elsewhere", "prefix", "batch"), 0)

    def add(
        self, row: ImportedUsage, amount: int, price: PriceAnswer | None, other: PriceAnswer | None
    ) -> None:
        self.cost += amount
        if price is None or price.price is None or not row.usage.total_tokens or row.tier:
            self._otherwise = dict.fromkeys(self._otherwise)
            return
        self._listed += cost_of(row.usage, price.price)
        self._count("prefix", _from_cache(row.usage), price.price)
        self._count("batch", row.usage, price.batch)
        self._count("elsewhere", row.usage, None if other is None else other.price)

    def as_month(self, name: str, span: tuple[int, int]) -> ModelCost:
        months = {
            way: None if listed is None or not self._listed
            else monthly(self.cost * listed // self._listed, *span)
            for way, listed in self._otherwise.items()
        }  # fmt: skip
        return ModelCost(
            name=name,
            cost=monthly(self.cost, *span),
            elsewhere=months["elsewhere"],
            cached_prefix=months["prefix"],
            batch=months["batch"],
        )

    def _count(self, way: str, usage: Usage, price: Price | None) -> None:
        """Add what some usage would cost; one part without a price leaves all of it unknown."""
        before = self._otherwise[way]
        if before is None or price is None:
            self._otherwise[way] = None
        else:
            self._otherwise[way] = before + cost_of(usage, price)


def _from_cache(usage: Usage) -> Usage:
    return msgspec.structs.replace(
        usage, in_uncached=0, cache_read=usage.cache_read + usage.in_uncached
    )


def _prices(
    rows: list[ImportedUsage], asked: Asked, ask: Ask
) -> dict[tuple[str, str], PriceAnswer]:
    wanted: dict[tuple[str, str], PriceQuestion] = {}
    levers = asked.routes or asked.cacheable or asked.batchable
    for row in rows:
        if row.costed and not levers:  # the catalogue takes a second to ask
            continue
        for model in (row.model, asked.routes.get(row.model, "")):
            if model and row.vendor in _ADDRESSES:
                plain = model.rpartition("/")[2]
                wanted[row.vendor, model] = PriceQuestion(plain, _ADDRESSES[row.vendor])
    if not wanted:
        return {}
    answers = ask(set(wanted.values()))
    return {name: answers[question] for name, question in wanted.items()}


def _repeats(imports: Iterable[UsageImport]) -> list[Repeats]:
    return [
        msgspec.json.decode(one.repeats, type=Repeats) for one in imports if one.repeats != "{}"
    ]


def _share(logs: list[Repeats]) -> Interval | None:
    """Return the share of cost that repeats: days are the observations, weighed by their cost.

    Calls of one day are alike, so they aren't counted as if each were drawn by itself.
    """
    days = [day for log in logs for day in log.days if day.cost > 0]
    if not days:
        return None
    shares = [day.repeated_cost / day.cost for day in days]
    found = mean_interval(shares, [float(day.cost) for day in days])
    if len(days) < _DAYS_MIN:
        return Interval(found.point, 0.0, max(found.high, found.point))
    return found


def _as_shares(found: Interval | None, source: str) -> Shares | None:
    if found is None:
        return None
    low, point, high = (_decimal(value) for value in (found.low, found.point, found.high))
    return Shares(low, point, high, Tag.MEASURED, source)


def _near(logs: list[Repeats], share: Interval | None) -> Shares | None:
    """Of questions that don't repeat: how many an earlier one nearly is, by the embedder."""
    near = [one.near for one in logs if one.near is not None and one.near.looked_at]
    looked = sum(one.looked_at for one in near)
    if not looked or share is None:
        return None
    low, point, high = (
        _decimal(sum(getattr(one, name) for one in near) / looked)
        for name in ("low", "middle", "high")
    )
    return Shares(low, point, high, Tag.MODELLED, f"near questions by {near[0].embedder}")


def _lines(
    models: list[ModelCost],
    charges: Mapping[str, int],
    labour: list[Labour],
    share: Interval | None,
    *,
    listed: int,
) -> list[Line]:
    """Return the parts of a month; `listed` lines have no cost of their own, but a list price."""
    cost = sum(model.cost for model in models)
    again = 0
    if share is not None:
        again = int((_decimal(share.point) * cost).to_integral_value())
    tag, source = Tag.MEASURED, "imported reports and logs"
    if listed:
        tag, source = Tag.MODELLED, f"{source}; {listed:,} lines at list prices"
    lines = [Line(name="models, each question once", amount=cost - again, tag=tag, source=source)]
    if share is not None:
        name = "models, paid again for the same question"
        told = f"{source}; the share by days of logs"
        lines.append(Line(name=name, amount=again, tag=tag, source=told))
    lines += [Line(name=name, amount=amount, tag=Tag.MEASURED, source="imported reports")
              for name, amount in charges.items()]  # fmt: skip
    lines += [Line(name=f"labour: {one.activity}", amount=one.cost, tag=one.tag, source=one.told)
              for one in labour]  # fmt: skip
    return lines


def _unknown(levers: Levers, asked: Asked) -> list[str]:
    told = []
    if levers.repeats is None:
        told.append("cache: import a log with content (LiteLLM, Langfuse, Helicone, or a table)")
    if levers.routing is None:
        wanted = "--route MODEL=CHEAPER and --routable LOW:POINT:HIGH"
        told.append(f"routing: say which share a cheaper model answers as well: {wanted}")
    if asked.cacheable is None:
        told.append("prompt caching: say which share of input repeats at its start: --cacheable")
    if asked.batchable is None:
        told.append("batches: say for which share nobody waits: --batchable")
    return told


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(min(1.0, max(0.0, value)), 9)))


def as_json(report: Report) -> dict[str, Any]:
    """Return a report with exact amounts as texts."""

    def money(amount: int) -> str:
        return exact_usd(NanoUSD(amount))

    def columns(values: Iterable[int]) -> dict[str, str]:
        return dict(zip(("low", "point", "high"), map(money, values), strict=True))

    return {
        "org": report.org,
        "currency": report.currency,
        "days": report.days,
        "before": {
            "lines": [
                {"name": one.name, "amount": money(one.amount), "tag": one.tag,
                 "source": one.source}
                for one in report.lines
            ],
            "total": money(report.before),
        },
        "repeated_share_of_cost": report.repeat_share,
        "models": [{"name": one.name, "amount": money(one.cost)} for one in report.models],
        "would_change": {
            "models_before": money(report.outcome.before),
            "steps": [
                {"name": one.name, "saving": columns(one.saving), "tag": one.tag,
                 "source": one.source}
                for one in report.outcome.steps
            ],
            "models_after": columns(report.outcome.after),
        },
        "unknown": report.unknown,
        "left_out": report.left_out,
        "imports": report.imports,
    }  # fmt: skip

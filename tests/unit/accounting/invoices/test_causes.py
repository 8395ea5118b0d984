"""Worlds with differences put in on purpose: each is found, with its amount."""

from collections import defaultdict
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.accounting.imports.row import Charge, UsageRow
from legato.accounting.invoices.causes import Cause, Reconciliation, Terms, reconcile, span_of
from legato.accounting.invoices.cells import MS_PER_DAY, SLOT_MS, Billed, Spent, added
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.core.usage import Usage
from legato.economics.cost import cost

DAYS = range(20_000, 20_004)
SLOTS_A_DAY = MS_PER_DAY // SLOT_MS
PROVIDER, KEY = "openai-main", "key_ours"
PRICES = {
    "small": Price("p1", in_uncached=PicoUSD(150_000), out_text=PicoUSD(600_000)),
    "large": Price("p2", in_uncached=PicoUSD(2_500_000), out_text=PicoUSD(10_000_000)),
}


class World:
    """Entries of a ledger and the truth of a vendor, who saw the same unless told otherwise."""

    def __init__(self, seed: int, *, dense: bool = False) -> None:
        random = Random(seed)
        self.spent: list[Spent] = []
        self.true: dict[tuple[str, int], list[Usage]] = defaultdict(list)
        self.other_lines: list[Billed] = []
        self.charged = dict(PRICES)
        for model in PRICES:
            for day in DAYS:
                inside = [random.randrange(SLOTS_A_DAY) for _ in range(random.randrange(2, 6))]
                for place in range(SLOTS_A_DAY) if dense else inside:
                    slot = day * SLOTS_A_DAY + place
                    usage = Usage(random.randrange(1, 10**6), out_text=random.randrange(1, 10**5))
                    self.entry(model, slot, usage)

    def entry(self, model: str, slot: int, usage: Usage, *, true: Usage | None = None,
              priced: bool = True, estimated: bool = False) -> None:  # fmt: skip
        price = PRICES[model] if priced else None
        amount = cost(usage, price) if price else None
        self.spent.append(
            Spent(PROVIDER, model, slot, usage, amount, estimated=estimated, price=price)
        )
        self.true[model, slot].append(usage if true is None else true)

    def lines(self, *, unit: int = 1, zone_ms: int = 0) -> list[Billed]:
        days: dict[tuple[str, int], list[Usage]] = defaultdict(list)
        for (model, slot), usages in self.true.items():
            days[model, (slot * SLOT_MS + zone_ms) // MS_PER_DAY].extend(usages)
        found = []
        for at, ((model, day), usages) in enumerate(sorted(days.items()), 1):
            amount = cost(added(usages), self.charged[model])
            start = day * MS_PER_DAY - zone_ms
            row = UsageRow(
                source="table", vendor="openai", key=KEY, model=model, start_ms=start,
                end_ms=start + MS_PER_DAY, usage=added(usages), line=at,
            )  # fmt: skip
            found.append(Billed(row, round(amount / unit) * unit, PROVIDER))
        return found + self.other_lines

    def line(self, charge: Charge, amount: int, *, key: str = "", sku: str = "") -> None:
        row = UsageRow(
            source="table", vendor="openai", key=key, sku=sku, charge=charge, model="small",
            start_ms=DAYS[0] * MS_PER_DAY, end_ms=(DAYS[0] + 1) * MS_PER_DAY, line=1000,
        )  # fmt: skip
        self.other_lines.append(Billed(row, amount, None))

    def reconciled(self, *, unit: int = 1, zone_ms: int = 0) -> Reconciliation:
        lines = self.lines(unit=unit, zone_ms=zone_ms)
        found = reconcile(lines, self.spent, Terms(span_of(lines), unit))
        assert sum(part.amount for part in found.parts) == found.difference
        return found

    def causes(self, **how: int) -> dict[Cause, int]:
        """Return what is found, but for what rounding each entry by itself leaves."""
        found = self.reconciled(**how).by_cause()
        rounding = found.pop(Cause.ROUNDING, 0)
        unit = how.get("unit", 1)
        assert abs(rounding) <= len(self.spent) + len(self.lines()) * unit
        return {cause: amount for cause, amount in found.items() if amount}


class Injected(NamedTuple):
    cause: Cause
    amount: int


worlds = st.integers(0, 10**6).map(World)
seeds = st.integers(0, 10**6)
usages = st.builds(Usage, st.integers(1, 10**7), out_text=st.integers(1, 10**6))
slots = st.integers(DAYS[0] * SLOTS_A_DAY, (DAYS[-1] + 1) * SLOTS_A_DAY - 1)
models = st.sampled_from(sorted(PRICES))
amounts = st.integers(1, 10**12)


@given(worlds)
def test_without_a_difference_nothing_but_rounding_is_found(world: World) -> None:
    assert world.causes() == {}
    assert world.causes(unit=10_000_000) == {}


@given(worlds, amounts, amounts, amounts, amounts, amounts, amounts)
def test_lines_that_are_no_usage_are_what_they_say(  # noqa: PLR0917
    world: World, credit: int, tax: int, paid: int, capacity: int, fee: int, foreign: int
) -> None:
    world.line(Charge.CREDIT, -credit)
    world.line(Charge.TAX, tax)
    world.line(Charge.COMMITMENT, paid)
    world.line(Charge.COMMITMENT, capacity, sku="Provisioned throughput")
    world.line(Charge.FEE, fee)
    world.line(Charge.USAGE, foreign, key="key_of_somebody")
    assert world.causes() == {
        Cause.CREDIT: -credit, Cause.TAX: tax, Cause.COMMITMENT: paid,
        Cause.PROVISIONED: capacity, Cause.FEE: fee, Cause.BYPASS: foreign,
    }  # fmt: skip
    (bypass,) = [part for part in world.reconciled().parts if part.cause is Cause.BYPASS]
    assert bypass.vendor_key == "key_of_somebody"


@given(worlds, models, slots, usages)
def test_usage_the_ledger_never_saw_is_bypass(
    world: World, model: str, slot: int, usage: Usage
) -> None:
    world.true[model, slot].append(usage)
    found = world.causes()
    assert set(found) == {Cause.BYPASS}
    assert abs(found[Cause.BYPASS] - cost(usage, PRICES[model])) <= 1
    (part,) = [part for part in world.reconciled().parts if part.cause is Cause.BYPASS]
    assert part.usage == usage
    assert part.cell is not None
    assert (part.cell.model, part.cell.day) == (model, slot // SLOTS_A_DAY)


@given(worlds, models, slots, usages)
def test_usage_that_isnt_billed_is_unbilled(
    world: World, model: str, slot: int, usage: Usage
) -> None:
    world.entry(model, slot, usage)
    world.true[model, slot].pop()
    found = world.causes()
    assert set(found) == {Cause.UNBILLED}
    assert abs(found[Cause.UNBILLED] + cost(usage, PRICES[model])) <= 1


@given(worlds, models, slots, usages)
def test_entries_without_a_price_are_unpriced(
    world: World, model: str, slot: int, usage: Usage
) -> None:
    world.entry(model, slot, usage, priced=False)
    found = world.causes()
    assert set(found) == {Cause.UNPRICED}
    assert abs(found[Cause.UNPRICED] - cost(usage, PRICES[model])) <= 1


@given(worlds, models, slots, usages, usages)
def test_what_was_estimated_differs_by_its_error(  # noqa: PLR0917
    world: World, model: str, slot: int, usage: Usage, true: Usage
) -> None:
    world.entry(model, slot, usage, true=true, estimated=True)
    wrong = cost(true, PRICES[model]) - cost(usage, PRICES[model])
    found = world.causes()
    assert abs(found.get(Cause.ESTIMATED, 0) - wrong) <= 1
    assert set(found) <= {Cause.ESTIMATED}


@given(worlds, models, st.integers(2, 50))
def test_their_other_price_is_a_price_difference(world: World, model: str, percent: int) -> None:
    ours = PRICES[model]
    dearer = PicoUSD(ours.in_uncached * (100 + percent) // 100)
    world.charged[model] = Price("theirs", in_uncached=dearer, out_text=ours.out_text)
    expected = sum(
        cost(added(day), world.charged[model]) - cost(added(day), ours)
        for day in by_day(world, model)
    )
    assert world.causes() == {Cause.PRICE: expected}


@given(seeds, st.integers(-24, 28).filter(bool))
@settings(max_examples=30)
def test_days_of_another_zone_are_found_and_sum_to_what_crosses_the_ends(
    seed: int, half_hours: int
) -> None:
    world = World(seed, dense=True)
    zone_ms = half_hours * SLOT_MS
    found = world.reconciled(zone_ms=zone_ms)
    assert set(found.by_cause()) <= {Cause.DAY_SHIFT, Cause.ROUNDING}
    first, last = span_of(world.lines(zone_ms=zone_ms))

    def held(shift: int) -> int:
        return sum(
            one.cost or 0 for one in world.spent if first <= one.slot * SLOT_MS + shift < last
        )

    shift = found.shift_ms
    assert (shift - zone_ms) % MS_PER_DAY == 0  # twelve hours either way name the same days
    assert found.by_cause().get(Cause.DAY_SHIFT, 0) == held(shift) - held(0)
    assert all(abs(part.amount) <= 300 for part in found.parts if part.cause is Cause.ROUNDING)


@given(seeds, seeds)
@settings(max_examples=200)
def test_the_parts_come_to_the_difference_whatever_was_done(seed: int, how: int) -> None:
    world, random = World(seed), Random(how)
    for _ in range(random.randrange(12)):
        model, slot = random.choice(sorted(PRICES)), random.choice(sorted(world.true))[1]
        usage = Usage(random.randrange(10**6), out_text=random.randrange(10**5))
        true = random.choice([usage, Usage(), Usage(7)])
        world.entry(model, slot, usage, true=true, priced=random.random() < 0.5,
                    estimated=random.random() < 0.3)  # fmt: skip
    if random.random() < 0.5:
        world.charged["small"] = Price("x", in_uncached=PicoUSD(random.randrange(10**6)))
    for charge in Charge:
        world.line(charge, random.randrange(-(10**9), 10**9), key=random.choice(["", "k"]))
    unit = random.choice([1, 1000, 10_000_000])
    found = world.reconciled(unit=unit, zone_ms=random.randrange(-24, 28) * SLOT_MS)
    assert found.by_cause().get(Cause.UNEXPLAINED, 0) == 0


def by_day(world: World, model: str) -> list[list[Usage]]:
    days: dict[int, list[Usage]] = defaultdict(list)
    for (one, slot), usages in world.true.items():
        if one == model:
            days[slot // SLOTS_A_DAY].extend(usages)
    return list(days.values())


def test_an_invoice_without_usage_spans_nothing() -> None:
    with pytest.raises(ValueError, match="of usage"):
        span_of([])

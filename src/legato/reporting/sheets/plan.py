"""The financial plan as sheets: assumptions, cash flow, cost of ownership, sensitivity.

All but the sensitivity is formulas over the assumptions, and one cell (`case`) says which of the
three cases they show, so that a reader can change a figure and see what comes of it. The formulas
are those of `economics.finance.planning`; a test holds them against it.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from legato.economics.finance.assumptions import Input
from legato.economics.finance.figures import CaseFigures, Month, PlanFigures, Year
from legato.economics.finance.flows import discount_factor
from legato.reporting.workbook import Book, Cell, Column, Formula, Page, Placed, Style, Usd

CASES: Final = ("low", "base", "high")
_MONTHS: Final = "Cash flow"
_ZERO: Final = Usd(0)
_MONEY: Final = Style.USD
_COLUMNS: Final = (
    Column("Month", Style.COUNT, 16),
    Column("Growth", Style.NUMBER, 10),
    Column("Ramp", Style.SHARE, 8),
    Column("Models before", _MONEY),
    Column("Work before", _MONEY),
    Column("Tools before", _MONEY),
    Column("Models after", _MONEY),
    Column("Work after", _MONEY),
    Column("Tools after", _MONEY),
    Column("Legato", _MONEY),
    Column("Savings, cut for risk", _MONEY),
    Column("Benefits, cut for risk", _MONEY),
    Column("Legato, raised for risk", _MONEY),
    Column("Balance", _MONEY),
    Column("Cumulative", _MONEY),
    Column("Even", Style.COUNT, 6),
)
_AT: Final = {column.heading: at for at, column in enumerate(_COLUMNS)}


def cell_name(assumption: str) -> str:
    """Return what formulas call an assumption by: `in_discount_rate_year`."""
    return "in_" + assumption.replace(".", "_")


def assumption_sheet(book: Book, plan: PlanFigures, case: str = "base") -> None:
    """Write every figure with its source, and what it is in each case; one case is in force."""
    page = book.page("Assumptions", (34, 18, 16, 16, 16, 16, 12, 60, 9))
    page.heading("Assumptions")
    page.notes("Change a figure and the plan follows. The case in force: 1 low, 2 base, 3 high.")
    chosen = page.table([Column("Case", Style.COUNT)], [[CASES.index(case) + 1]])
    book.name("case", chosen.cell(0, 0))
    columns = (
        Column("Figure"),
        Column("Unit"),
        Column("In force", Style.NUMBER),
        *[Column(name.title(), Style.NUMBER) for name in CASES],
        Column("Tag"),
        Column("Source"),
        Column("Version", Style.COUNT),
    )
    by_name = {one.name: one.values for one in plan.cases}
    placed = page.next_table(len(plan.inputs), len(columns))
    rows = []
    for at, one in enumerate(plan.inputs):
        in_cases = [Decimal(by_name[name].get(one.name, one.value)) for name in CASES]
        picked = f"INDEX({placed.plain(at, 3)}:{placed.plain(at, 5)},1,case)"
        rows.append(_assumption(one, in_cases, Formula(picked, in_cases[CASES.index(case)])))
    page.table(columns, rows)
    for at, one in enumerate(plan.inputs):
        book.name(cell_name(one.name), placed.cell(at, 2))
    page.heading("Method")
    page.notes(*plan.method)


def _assumption(one: Input, in_cases: Sequence[Decimal], in_force: Formula) -> list[Cell]:
    return [one.name, one.unit, in_force, *in_cases, one.tag, one.source, one.version]


def cash_flow_sheet(book: Book, base: CaseFigures) -> tuple[Placed, Placed]:
    """Write the months and the years of the case in force; return where both stand."""
    page = book.page(_MONTHS, [column.width for column in _COLUMNS])
    page.heading("Cash flow of the case in force")
    initial = page.table(
        [Column("Initial cost, raised for risk", _MONEY, 20)],
        [[Formula("in_initial_usd*(1+in_risk_costs_up)", Usd(base.initial_nano))]],
    )
    book.name("initial_cost", initial.cell(0, 0))
    years = _years(book, page, base)
    months = page.next_table(len(base.months), len(_COLUMNS))
    page.table(_COLUMNS, [_month(base, months, at) for at in range(len(base.months))])
    book.name("month_number", months.span(_AT["Month"]))
    book.name("month_savings", months.span(_AT["Savings, cut for risk"]))
    book.name("month_benefits", months.span(_AT["Benefits, cut for risk"]))
    book.name("month_cost", months.span(_AT["Legato, raised for risk"]))
    book.name("month_even", months.span(_AT["Even"]))
    cumulative = {
        "name": "Cumulative balance",
        "categories": months.span(_AT["Month"]),
        "values": months.span(_AT["Cumulative"]),
        "line": {"width": 2.25},
    }
    page.chart(
        {"type": "line"}, [cumulative], title="Break-even: cumulative balance", x="Month", y="USD"
    )
    return months, years


def _month(base: CaseFigures, placed: Placed, at: int) -> list[Cell]:
    one = base.months[at]
    growth, ramp = _growth_and_ramp(base, one)

    def of(heading: str, row: int = at) -> str:
        return placed.plain(row, _AT[heading])

    def before(what: str) -> str:
        return f"in_before_{what}_usd_month*{of('Growth')}"

    def after(what: str, heading: str) -> str:
        reached = f"in_after_{what}_usd_month*{of('Growth')}*{of('Ramp')}"
        return f"{of(heading)}*(1-{of('Ramp')})+{reached}"

    befores = f"SUM({of('Models before')}:{of('Tools before')})"
    saved = f"({befores}-SUM({of('Models after')}:{of('Tools after')}))"
    cumulative = of("Cumulative", at - 1) if at else "-initial_cost"
    return [
        one.month,
        Formula(f"(1+in_volume_growth_month)^({of('Month')}-1)", growth),
        Formula(f"IF(in_ramp_months>0,MIN(1,{of('Month')}/in_ramp_months),1)", ramp),
        Formula(before("ai"), Usd(one.before_ai_nano)),
        Formula(before("labour"), Usd(one.before_labour_nano)),
        Formula(before("other"), Usd(one.before_other_nano)),
        Formula(after("ai", "Models before"), Usd(one.after_ai_nano)),
        Formula(after("labour", "Work before"), Usd(one.after_labour_nano)),
        Formula(f"{of('Tools before')}*(1-{of('Ramp')})", Usd(one.after_other_nano)),
        Formula("in_after_other_usd_month", Usd(one.after_platform_nano)),
        Formula(
            f"{saved}*IF({saved}>0,1-in_risk_benefits_down,1+in_risk_costs_up)",
            Usd(one.savings_nano),
        ),
        Formula(
            f"in_benefits_usd_month*{of('Growth')}*{of('Ramp')}*(1-in_risk_benefits_down)",
            Usd(one.benefits_nano),
        ),
        Formula(f"{of('Legato')}*(1+in_risk_costs_up)", Usd(one.platform_nano)),
        Formula(
            f"{of('Savings, cut for risk')}+{of('Benefits, cut for risk')}"
            f"-{of('Legato, raised for risk')}",
            Usd(one.net_nano),
        ),
        Formula(f"{cumulative}+{of('Balance')}", Usd(one.cumulative_nano)),
        Formula(f"IF({of('Cumulative')}>=0,1,0)", int(one.cumulative_nano >= 0)),
    ]


def _growth_and_ramp(base: CaseFigures, one: Month) -> tuple[Decimal, Decimal]:
    rate, months = (Decimal(base.values[name]) for name in ("volume.growth_month", "ramp.months"))
    growth = (1 + rate) ** (one.month - 1)
    return growth, min(Decimal(1), one.month / months) if months > 0 else Decimal(1)


def _years(book: Book, page: Page, base: CaseFigures) -> Placed:
    columns = (
        Column("Year", Style.COUNT, 8),
        Column("Gains", _MONEY),
        Column("Costs", _MONEY),
        Column("Balance", _MONEY),
        Column("Worth of a dollar", Style.NUMBER),
        Column("Present value", _MONEY),
    )
    placed = page.next_table(len(base.years), len(columns))
    rate = Decimal(base.values["discount.rate_year"])
    made = page.table(columns, [_year(one, rate, placed, at) for at, one in enumerate(base.years)])
    for name, column in (("gains", 1), ("costs", 2), ("balance", 3), ("factor", 4), ("worth", 5)):
        book.name(f"year_{name}", made.span(column))
    return made


def _year(one: Year, rate: Decimal, placed: Placed, at: int) -> list[Cell]:
    factor_value = discount_factor(rate, one.year)
    year, gains, costs, balance, factor, _ = (placed.plain(at, column) for column in range(6))
    inside = f"(month_number>({year}-1)*12)*(month_number<={year}*12)"
    gained = f"SUMPRODUCT({inside}*((month_savings>0)*month_savings+month_benefits))"
    spent = f"SUMPRODUCT({inside}*(month_cost-(month_savings<0)*month_savings))"
    if at == 0:
        gained, spent = "0", "initial_cost"
    return [
        one.year,
        Formula(gained, Usd(one.gains_nano)),
        Formula(spent, Usd(one.costs_nano)),
        Formula(f"{gains}-{costs}", Usd(one.net_nano)),
        Formula(f"1/(1+in_discount_rate_year)^{year}", factor_value),
        Formula(f"{balance}*{factor}", Usd(one.present_nano)),
    ]


def outcome_rows(base: CaseFigures) -> list[list[Cell]]:
    """Return what the plan comes to, by formulas over the cash flow: a name and a value each."""
    even = 'IF(initial_cost<=0,0,IF(SUM(month_even)=0,"not reached",MATCH(1,month_even,0)))'
    spent = "SUMPRODUCT(year_costs,year_factor)"
    month = base.break_even_month
    rows: list[list[Cell]] = [
        ["Net present value, USD", Formula("SUM(year_worth)", Usd(base.npv_nano))],
        ["Break-even, month", Formula(even, "not reached" if month is None else month)],
    ]
    if base.roi:
        roi = f"(SUMPRODUCT(year_gains,year_factor)-{spent})/{spent}"
        rows.append(["Return on investment, share", Formula(roi, _roi(base))])
    if len(base.irr) == 1:
        guess = Decimal(base.irr[0])  # where a program begins to look for it
        rows.append(
            [
                "Internal rate of return, a year",
                Formula(f"IRR(year_balance,{guess:.2f})", guess),
            ]
        )
    else:
        rows.append(["Internal rate of return, a year", base.irr_told])
    return rows


def _roi(base: CaseFigures) -> Decimal:
    rate = Decimal(base.values["discount.rate_year"])
    factors = [discount_factor(rate, one.year) for one in base.years]
    gains, costs = (
        sum(factor * amount for factor, amount in zip(factors, amounts, strict=True))
        for amounts in (
            [one.gains_nano for one in base.years],
            [one.costs_nano for one in base.years],
        )
    )
    return Decimal((gains - costs) / costs)


def ownership_sheet(book: Book, base: CaseFigures, months: Placed) -> None:
    """Write what it all costs over the horizon, before and after."""
    page = book.page("TCO", (28, 18, 18, 18))
    page.heading("Total cost of ownership over the horizon, case in force")
    page.notes("Neither discounted nor adjusted for risk.")
    columns = (
        Column("Cost"),
        Column("Before", _MONEY),
        Column("After", _MONEY),
        Column("Difference", _MONEY),
    )
    spans = {
        "ai": ("Models before", ["Models after"]),
        "labour": ("Work before", ["Work after"]),
        "other": ("Tools before", ["Tools after", "Legato"]),
    }
    placed = page.next_table(len(base.tco), len(columns))
    rows: list[list[Cell]] = []
    for at, one in enumerate(base.tco):
        before, after = placed.plain(at, 1), placed.plain(at, 2)
        if one.what == "initial":
            made = ("0", "in_initial_usd")
        elif one.what == "total":
            made = _sum_above(placed, at, 1), _sum_above(placed, at, 2)
        else:
            heading, afters = spans[one.what]
            sums = "+".join(f"SUM({months.span(_AT[name])})" for name in afters)
            made = (f"SUM({months.span(_AT[heading])})", sums)
        rows.append(
            [
                one.what,
                Formula(made[0], Usd(one.before_nano)),
                Formula(made[1], Usd(one.after_nano)),
                Formula(f"{before}-{after}", Usd(one.before_nano - one.after_nano)),
            ]
        )
    page.table(columns, rows, totals=1)
    kinds = placed.span(0, 0, len(rows) - 2)
    series = [
        {"name": name, "categories": kinds, "values": placed.span(column, 0, len(rows) - 2)}
        for name, column in (("Before", 1), ("After", 2))
    ]
    page.chart({"type": "column"}, series, title="Before and after, by kind of cost", y="USD")


def _sum_above(placed: Placed, row: int, column: int) -> str:
    return f"SUM({placed.plain(0, column)}:{placed.plain(row - 1, column)})"


def sensitivity_sheet(book: Book, plan: PlanFigures) -> None:
    """Write the cases beside each other and what each figure does by itself, as values."""
    page = book.page("Sensitivity", (34, 18, 18, 18, 18, 18))
    page.heading("Cases and sensitivity of the net present value")
    page.notes("Values of the model, not formulas: each row is the whole plan worked out again.")
    page.table(
        [
            Column("Case"),
            Column("NPV", _MONEY),
            Column("ROI", Style.SHARE),
            Column("Break-even"),
            Column("IRR a year"),
        ],
        [
            [
                case.name,
                Usd(case.npv_nano),
                Decimal(case.roi) if case.roi else case.roi_told,
                case.break_even_told,
                ", ".join(f"{Decimal(one):.1%}" for one in case.irr) or case.irr_told,
            ]
            for case in plan.cases
        ],
    )
    if plan.draws is not None:
        drawn = plan.draws
        page.notes(f"{drawn.draws:,} draws of all figures with a range, seed {drawn.seed}.")
        page.table(
            [Column("5 of 100 below", _MONEY), Column("Median", _MONEY),
             Column("95 of 100 below", _MONEY), Column("Above zero", Style.SHARE)],
            [[Usd(drawn.p05_nano), Usd(drawn.p50_nano), Usd(drawn.p95_nano),
              Decimal(drawn.positive_share)]],
        )  # fmt: skip
    if not plan.tornado:
        page.notes("No figure has a range: there is nothing to vary.")
        return
    swings = page.table(
        [Column("Figure"), Column("Low", Style.NUMBER), Column("High", Style.NUMBER),
         Column("NPV at low", _MONEY), Column("NPV at high", _MONEY), Column("Swing", _MONEY)],
        [
            [one.name, Decimal(one.low), Decimal(one.high), Usd(one.npv_at_low_nano),
             Usd(one.npv_at_high_nano), Usd(one.swing_nano)]
            for one in plan.tornado
        ],
    )  # fmt: skip
    series = [{"name": "Swing", "categories": swings.span(0), "values": swings.span(5)}]
    page.chart({"type": "bar"}, series, title="What one figure does by itself", y="USD")

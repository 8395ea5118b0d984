"""Refuses to take live what a feature doesn't pay for, where a policy says so."""

from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase

from legato.core.clock import Clock
from legato.core.config_finance import MarginGate
from legato.core.errors import Conflict
from legato.core.registry import INSTANCE_KINDS, ObjectName
from legato.core.tenant import Tenant
from legato.economics.finance.assumptions import Book
from legato.economics.finance.figures import FeaturePnl
from legato.economics.finance.planning import ratio
from legato.finance.books import FinanceBooks
from legato.finance.profit import Profit
from legato.finance.spent import SumsOf
from legato.finance.window import last_months

_PLANNED = ("pnl.planned_revenue_usd_month", "pnl.planned_ai_usd_month")
_OTHER = "pnl.planned_other_usd_month"


class MarginGates:
    """Every method may raise StorageUnavailable."""

    def __init__(
        self, gates: Sequence[MarginGate], books: FinanceBooks, sums: SumsOf, clock: Clock
    ) -> None:
        self._gates = gates
        self._books = books
        self._profit = Profit(books, sums, clock)
        self._clock = clock

    def require(self, org: str, moves: Sequence[tuple[ObjectName, str]], environment: str) -> None:
        """Let labels of an organisation's objects move ("" for the instance's), or refuse.

        Raises:
            Conflict: a gate's feature shows no margin and plans none; says what is missing.
        """
        for gate in self._gates:
            if gate.environment != environment:
                continue
            for name, label in moves:
                own = name.kind in INSTANCE_KINDS or gate.org == org
                if own and label in gate.labels and _meant(gate, name):
                    self._require(gate, name, label)

    def _require(self, gate: MarginGate, name: ObjectName, label: str) -> None:
        planned, plan_lacks = self._planned(gate)
        least = Decimal(str(gate.margin_over))
        if planned is not None and planned > least:
            return
        shown, lacks = self._shown(gate)
        if shown is not None and shown > least and not lacks:
            return
        found = lacks if shown is None or lacks else [f"the margin shown is {shown:.1%}"]
        found += plan_lacks if planned is None else [f"the margin planned is {planned:.1%}"]
        raise Conflict(
            f"{name}@{label}: finance.margin_gates lets it move in {gate.environment} once "
            f"{gate.team}/{gate.feature} has a contribution margin over {least:.0%}: "
            f"{'; '.join(found)}",
            param="label",
        )

    def _shown(self, gate: MarginGate) -> tuple[Decimal | None, list[str]]:
        """Return the margin of the last months, and what it lacks to be believed."""
        since, until = last_months(self._clock.now_ns(), gate.months)
        pnl = self._profit.read(Tenant(gate.org), since, until)
        place = (gate.team, gate.feature)
        one = next((f for f in pnl.features if (f.team, f.feature) == place), None)
        if one is None or not one.contribution_margin:
            told = f"no revenue of it from {since} to {until} is in the books (legato revenue)"
            return None, [told]
        return Decimal(one.contribution_margin), _unpriced(one)

    def _planned(self, gate: MarginGate) -> tuple[Decimal | None, list[str]]:
        """Return the margin that assumptions plan, and which of them nobody has said."""
        book = Book(self._books.held(Tenant(gate.org)))
        place = f"@{gate.team}/{gate.feature}"
        lacks = [f"{name}{place}" for name in _PLANNED if not book.has(name + place)]
        if lacks:
            return None, [f"no plan shows it: {' and '.join(lacks)} (legato assumptions)"]
        revenue, models = (book.need(name + place).number for name in _PLANNED)
        other = book.find(_OTHER + place)
        left = revenue - models - (Decimal(0) if other is None else other.number)
        share = ratio(int(left * 10**9), int(revenue * 10**9))
        return (Decimal(share), []) if share else (None, ["the planned revenue is nothing"])


def _meant(gate: MarginGate, name: ObjectName) -> bool:
    return any(fnmatchcase(f"{name.kind}/{name.name}", pattern) for pattern in gate.objects)


def _unpriced(one: FeaturePnl) -> list[str]:
    if not one.unpriced:
        return []
    return [f"{one.unpriced} attempts have no price, so the margin shown is too high"]

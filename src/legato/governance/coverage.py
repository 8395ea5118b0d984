"""Which limits cover a call: those of its key, and all budgets whose dimensions it has.

What covers whom is worked out once for each key, user and model, and kept until a budget or the key
changes: a call finds its purses in one look.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from legato.core.budget import TAG, Budget, Measure
from legato.core.leases import Limit, LimitKind
from legato.core.principal import BudgetLimit, Maker, Principal
from legato.governance.purses import Purse, Purses, Told
from legato.governance.slots import SlotPurses, Slots

_COVERS_MAX: Final = 20_000
MINUTE: Final = "60"


class Paid(NamedTuple):
    """What one attempt takes its hold on.

    `ids` names the counters and `spans` the kind of window of each, as the journal has them.
    """

    money: tuple[Purse, ...]
    tokens: tuple[Purse, ...]
    ids: str
    spans: str
    is_priced: bool
    """Whether a hard one is in money: what has no price is refused."""
    is_hard: bool

    @property
    def purses(self) -> tuple[Purse, ...]:
        """All of them."""
        return self.money + self.tokens


class Cover:
    """What covers the calls of one key, with one user, of one model."""

    __slots__ = ("by_deployment", "paid", "plain", "principal", "rates", "slots", "watched")

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.rates: tuple[Purse, ...] = ()
        self.slots: tuple[Slots, ...] = ()
        self.plain: tuple[Budget | BudgetLimit, ...] = ()
        """What attempts are held against."""
        self.by_deployment = False
        self.paid: dict[str, Paid | None] = {}
        """By deployment, or by "" where it makes no difference."""
        self.watched: tuple[Purse, ...] = ()
        """Those that have something done before the wall."""


class Coverage:
    """Works out who is covered by what."""

    def __init__(self, purses: Purses, slots: SlotPurses) -> None:
        self._purses = purses
        self._slots = slots
        self._by_org: Mapping[str, Sequence[Budget]] = {}
        self._of_all: Sequence[Budget] = ()
        self._covers: dict[tuple[str, str, str], Cover] = {}
        self.is_empty = True

    def swap(self, budgets: Iterable[Budget]) -> None:
        """Put these budgets in the place of those there were; purses go on under them."""
        by_org: dict[str, list[Budget]] = {}
        of_all: list[Budget] = []
        for one in budgets:
            (by_org.setdefault(one.org, []) if one.org else of_all).append(one)
        self._by_org, self._of_all = by_org, of_all
        self.is_empty = not (by_org or of_all)
        self._covers.clear()

    def forget(self) -> None:
        """Work everything out anew: purses were dropped."""
        self._covers.clear()

    def of(self, principal: Principal, user: str, model: str) -> Cover:
        """Return what covers a call."""
        if self.is_empty:
            user = model = ""  # only the key's own count: it is the same for all
        name = (principal.key_id, user, model)
        cover = self._covers.get(name)
        if cover is None or cover.principal is not principal:
            if len(self._covers) >= _COVERS_MAX:
                self._covers.clear()
            cover = self._covers[name] = self._worked_out(principal, user, model)
        return cover

    def paid(self, cover: Cover, user: str, model: str, deployment: str) -> Paid | None:
        """Return what an attempt at a deployment takes its hold on; None for nothing."""
        name = deployment if cover.by_deployment else ""
        try:
            return cover.paid[name]
        except KeyError:
            paid = cover.paid[name] = self._paid(
                cover, values_of(cover.principal, user, model), name
            )
            return paid

    def _worked_out(self, principal: Principal, user: str, model: str) -> Cover:
        cover = Cover(principal)
        values = values_of(principal, user, model)
        rates, slots = self._own(principal)
        whose: tuple[Principal | Maker, ...] = (principal, *principal.makers)
        plain: list[Budget | BudgetLimit] = [one.budget for one in whose if one.budget is not None]
        for budget in (*self._of_all, *self._by_org.get(principal.org, ())):
            if not covers(budget, principal, values):
                continue
            if budget.measure in _BY_ATTEMPT:
                plain.append(budget)
                cover.by_deployment |= "deployment" in budget.dimensions
            elif budget.measure is Measure.REQUESTS:
                rates.append(self._purse(budget, values))
            else:
                slots.append(self._slots.of(budget.counter(values), _told(budget, values)))
        cover.plain, cover.rates, cover.slots = tuple(plain), tuple(rates), tuple(slots)
        watched = [purse for purse in rates if purse.told.steps]
        if any(isinstance(one, Budget) and one.steps for one in plain):
            paid = self.paid(cover, user, model, "")
            watched += [one for one in (() if paid is None else paid.purses) if one.told.steps]
        cover.watched = tuple(watched)
        return cover

    def _own(self, principal: Principal) -> tuple[list[Purse], list[Slots]]:
        """Return the limits that a key has itself, and those of the keys that it was made by."""
        rates: list[Purse] = []
        slots: list[Slots] = []
        whose: tuple[Principal | Maker, ...] = (principal, *principal.makers)
        for one in whose:
            told = Told(one.name, one.org)
            if one.requests_per_minute is not None:
                limit = Limit(LimitKind.RATE, one.key_id, one.requests_per_minute, MINUTE)
                rates.append(self._purses.of(limit, told))
            if one.concurrency_max is not None:
                limit = Limit(LimitKind.SLOTS, one.key_id, one.concurrency_max, "total")
                slots.append(self._slots.of(limit, told))
        return rates, slots

    def _paid(self, cover: Cover, values: Mapping[str, str], deployment: str) -> Paid | None:
        money: list[Purse] = []
        tokens: list[Purse] = []
        values = {**values, "deployment": deployment}
        for one in cover.plain:
            if isinstance(one, BudgetLimit):
                limit = Limit(LimitKind.BUDGET, one.id, one.limit, one.window.value)
                told = Told(one.name or one.id, cover.principal.org)
                money.append(self._purses.of(limit, told))
            elif one.where.get("deployment", deployment) == deployment:
                if not deployment and "deployment" in one.dimensions:
                    continue
                into = money if one.measure is Measure.USD else tokens
                into.append(self._purse(one, values))
        both = (*money, *tokens)
        if not both:
            return None
        return Paid(
            tuple(money),
            tuple(tokens),
            " ".join(purse.limit.id for purse in both),
            " ".join(purse.limit.span for purse in both),
            is_priced=any(not purse.limit.soft for purse in money),
            is_hard=any(not purse.limit.soft for purse in both),
        )

    def _purse(self, budget: Budget, values: Mapping[str, str]) -> Purse:
        return self._purses.of(budget.counter(dict(values)), _told(budget, values))


_BY_ATTEMPT: Final = frozenset({Measure.USD, Measure.TOKENS})


def values_of(principal: Principal, user: str, model: str) -> dict[str, str]:
    """Return the value of each dimension that is known before an attempt; tags by `tag:NAME`.

    What a call doesn't say is "": all that say nothing share a counter, so that leaving out a name
    is no way around a budget.
    """
    tags = {TAG + name: value for name, value in principal.tags.items()}
    return _Values(
        tags,
        org=principal.org,
        team=principal.team,
        feature=principal.feature,
        key=principal.key_id,
        user=user,
        model=model,
    )


class _Values(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def covers(budget: Budget, principal: Principal, values: Mapping[str, str]) -> bool:
    """Whether a call with these values comes under a budget, as far as is known before attempts.

    Who has no weight in a budget that is shared out is none of those who share it.
    """
    for name, wanted in budget.where.items():
        if name == "deployment":
            continue
        if name == "key":
            if wanted not in (principal.key_id, principal.name):
                return False
        elif values[name] != wanted:
            return False
    return not budget.share_by or values[budget.share_by] in budget.weights


def _told(budget: Budget, values: Mapping[str, str]) -> Told:
    of = ", ".join(f"{name}={values[name] or '(none)'}" for name in budget.counted_by)
    return Told(budget.name, budget.org, budget.id, of, budget.steps)


def may_cover(budgets: Iterable[Budget], principal: Principal, model: str, deployment: str) -> bool:
    """Whether any budget covers some call of a key for a model at a deployment, whoever its user.

    Their lines in a provider's batch are held by no budget, so they must not get there.
    """
    values = values_of(principal, "", model)
    for one in budgets:
        anyone = msgspec.structs.replace(
            one, where={name: value for name, value in one.where.items() if name != "user"}
        )
        if (
            one.org in ("", principal.org)
            and one.where.get("deployment", deployment) == deployment
            and covers(anyone, principal, values)
        ):
            return True
    return False

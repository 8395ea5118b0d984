"""Who bears what: rules that give a cost centre and an account, and pools that all share.

The first rule that fits an entry decides. Pools are divided by a stated driver, by largest
remainder, so that what is charged comes to what was spent, to the billionth.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.money import amount
from legato.economics.exchange import split

UNASSIGNED: Final = ""
"""The cost centre of what no rule fits."""
PLAIN_FIELDS: Final = ("team", "feature", "provider", "deployment", "model", "kind")
_TAG: Final = "tag:"
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Account = Annotated[str, Meta(max_length=100)]
When = Annotated[dict[Name, Name], Meta(max_length=10)]
Driver = Literal["cost", "requests", "tokens", "even", "weights"]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Entries that are like `when` belong to a cost centre and an account."""

    when: When
    cost_centre: Name
    account: Account = ""


class Pool(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What several share: a stated amount of each period, or entries like `entries`.

    `usd` is for what no entry has: machines of our own, commitments, provisioned capacity; it is
    in the currency of the report. `among` empty means every cost centre that has entries.
    """

    name: Name
    amount: Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?$")] = "0"
    entries: When = {}
    driver: Driver = "cost"
    weights: dict[Name, Annotated[int, Meta(ge=0, le=10**9)]] = {}
    among: list[Name] = []
    account: Account = ""


class Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of the general ledger: where cost goes without a rule's own, and what stands against it."""

    expense: Name = "expense"
    payable: Name = "payable"
    accrued: Name = "accrued"


class CostRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version, for periods that begin on `valid_from` or later."""

    valid_from: date
    rules: Annotated[list[Rule], Meta(max_length=1000)] = []
    pools: Annotated[list[Pool], Meta(max_length=100)] = []
    accounts: Accounts = Accounts()


class Group(msgspec.Struct, frozen=True):
    """Entries of one sort; `amount` is billionths of the report's currency."""

    fields: Mapping[str, str]
    tags: Mapping[str, str]
    amount: int
    requests: int = 0
    tokens: int = 0


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What a cost centre bears on an account: `pool` is "" for its own use."""

    cost_centre: str
    account: str
    pool: str
    amount: int
    requests: int = 0
    tokens: int = 0


class Statement(msgspec.Struct, frozen=True):
    """All of a period. `spent` is what entries cost, `stated` what pools name beside them."""

    charges: list[Charge]
    spent: int
    stated: int

    @property
    def total(self) -> int:
        """What is charged in all."""
        return sum(one.amount for one in self.charges)

    @property
    def unassigned(self) -> int:
        """What no cost centre bears."""
        return sum(one.amount for one in self.charges if one.cost_centre == UNASSIGNED)


def check_rules(rules: CostRules) -> None:
    """Raise InvalidRequest naming what can't be."""
    for at, rule in enumerate(rules.rules):
        _check_when(rule.when, f"rules[{at}].when")
    names = [pool.name for pool in rules.pools]
    for at, pool in enumerate(rules.pools):
        where = f"pools[{at}]"
        if pool.entries:
            _check_when(pool.entries, f"{where}.entries")
        if bool(pool.entries) == (amount(pool.amount) > 0):
            msg = f"{where}: give it one of amount and entries"
            raise InvalidRequest(msg, param=where)
        if (pool.driver == "weights") != bool(pool.weights):
            msg = f"{where}.weights: they go with the driver weights, which needs them"
            raise InvalidRequest(msg, param=f"{where}.weights")
        if names.count(pool.name) > 1:
            raise InvalidRequest(f"{where}.name: there are two {pool.name!r}", param=where)


def statement(groups: Sequence[Group], rules: CostRules) -> Statement:
    """Charge all of it; `check_rules` has passed the rules."""
    direct: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    pooled = {pool.name: amount(pool.amount) + 0 for pool in rules.pools}
    stated = sum(pooled.values())
    for group in groups:
        pool = next((one for one in rules.pools if one.entries and fits(group, one.entries)), None)
        if pool is not None:
            pooled[pool.name] += group.amount
            continue
        rule = next((one for one in rules.rules if fits(group, one.when)), None)
        centre = UNASSIGNED if rule is None else rule.cost_centre
        account = (rule.account if rule else "") or rules.accounts.expense
        found = direct[centre, account]
        for at, value in enumerate((group.amount, group.requests, group.tokens)):
            found[at] += value
    charges = [
        Charge(
            cost_centre=centre, account=account, pool="", amount=found[0], requests=found[1],
            tokens=found[2],
        )
        for (centre, account), found in sorted(direct.items())
    ]  # fmt: skip
    spread = [
        share
        for pool in rules.pools
        for share in _spread(pool, pooled[pool.name], charges, rules.accounts.expense)
    ]
    return Statement([*charges, *spread], sum(one.amount for one in groups), stated)


def fits(group: Group, when: Mapping[str, str]) -> bool:
    """Whether a group is like a condition; `*` stands for any value there is."""
    for name, wanted in when.items():
        is_tag = name.startswith(_TAG)
        held = group.tags.get(name[len(_TAG) :]) if is_tag else group.fields.get(name)
        if not held or wanted not in {"*", held}:
            return False
    return True


_DRIVERS: Final[dict[str, Callable[[Charge], int]]] = {
    "cost": lambda charge: max(charge.amount, 0),
    "requests": lambda charge: charge.requests,
    "tokens": lambda charge: charge.tokens,
    "even": lambda _charge: 1,
}


def _spread(pool: Pool, total: int, charges: Sequence[Charge], expense: str) -> list[Charge]:
    account = pool.account or expense
    weights = _weights(pool, charges)
    if not weights:
        weights = {UNASSIGNED: 1}
    shares = zip(weights, split(total, weights), strict=True)
    return [
        Charge(cost_centre=centre, account=account, pool=pool.name, amount=share)
        for centre, share in shares
        if share
    ]


def _weights(pool: Pool, charges: Sequence[Charge]) -> dict[str, int]:
    if pool.driver == "weights":
        return {name: weight for name, weight in sorted(pool.weights.items()) if weight}
    found: dict[str, int] = dict.fromkeys(sorted(pool.among), 0)
    for charge in charges:
        centre = charge.cost_centre
        if centre != UNASSIGNED and (not pool.among or centre in pool.among):
            drive = _DRIVERS[pool.driver](charge)
            found[centre] = found.get(centre, 0) + drive
    if pool.driver == "even":
        return dict.fromkeys(found, 1)
    return {name: weight for name, weight in found.items() if weight}


def _check_when(when: Mapping[str, str], where: str) -> None:
    if not when:
        raise InvalidRequest(f"{where}: say what entries are like", param=where)
    for name in when:
        if name not in PLAIN_FIELDS and not (name.startswith(_TAG) and name != _TAG):
            known = ", ".join(PLAIN_FIELDS)
            raise InvalidRequest(f"{where}: {name!r} is none of {known} and tag:NAME", param=where)

"""Why spend changed: volume, cache, retries, mix of models, tokens an attempt, price.

Spend is the sum over models of requests x share not answered by the cache x attempts a request x
the model's share of attempts x its tokens an attempt x its price a token. From one time to the
other the factors are replaced one after another, in this order, each step in exact fractions and
rounded once; so the parts come to the change, to the nano-dollar (the method of successive
substitution; as with any order, another would attribute joint effects otherwise).

A model that is new has its own tokens and price from the start: all it brings is mix.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec

FACTORS: Final = ("volume", "cache", "retries", "mix", "tokens", "price")


class OfModel(msgspec.Struct, frozen=True, kw_only=True):
    """What went to one model: attempts that weren't answered by the cache, tokens, nano-USD."""

    attempts: int = 0
    tokens: int = 0
    cost: int = 0


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a time."""

    requests: int
    cached: int
    """Of these, answered by the cache."""
    models: Mapping[str, OfModel]

    @property
    def cost(self) -> int:
        """All of it, nano-USD."""
        return sum(one.cost for one in self.models.values())


def explain(before: Usage, after: Usage) -> dict[str, int]:
    """Return what each factor brought, nano-USD; together exactly the change."""
    was, now = _parts(before, after), _parts(after, before)
    levels = [before.cost]
    mixed = dict(was)
    for factor in FACTORS[:-1]:
        mixed[factor] = now[factor]
        levels.append(round(_cost(mixed)))
    levels.append(after.cost)
    return {
        factor: after_it - before_it
        for factor, before_it, after_it in zip(FACTORS, levels, levels[1:], strict=False)
    }


def moved_most(before: Usage, after: Usage) -> str:
    """Return the model whose cost changed most, "" for none."""
    names = {*before.models, *after.models}
    nothing = OfModel()
    return max(
        sorted(names),
        key=lambda name: abs(
            after.models.get(name, nothing).cost - before.models.get(name, nothing).cost
        ),
        default="",
    )


_Parts = dict[str, dict[str, Fraction]]


def _parts(one: Usage, other: Usage) -> _Parts:
    """Return the factors of one time by model; `other` fills in models that it hasn't."""
    attempts = sum(model.attempts for model in one.models.values())
    paid = one.requests - one.cached
    names = {*one.models, *other.models}
    own = {name: one.models.get(name, OfModel()) for name in names}
    known = {
        name: own[name] if own[name].attempts else other.models.get(name, OfModel())
        for name in names
    }

    def everywhere(value: Fraction) -> dict[str, Fraction]:
        return dict.fromkeys(names, value)

    return {
        "volume": everywhere(Fraction(one.requests)),
        "cache": everywhere(_ratio(paid, one.requests)),
        "retries": everywhere(_ratio(attempts, paid)),
        "mix": {name: _ratio(own[name].attempts, attempts) for name in names},
        "tokens": {name: _ratio(known[name].tokens, known[name].attempts) for name in names},
        "price": {name: _ratio(known[name].cost, known[name].tokens) for name in names},
    }


def _cost(parts: _Parts) -> Fraction:
    total = Fraction(0)
    for name in parts["mix"]:
        product = Fraction(1)
        for factor in FACTORS:
            product *= parts[factor][name]
        total += product
    return total


def _ratio(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)

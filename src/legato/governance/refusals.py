"""What a caller is told whom a limit refuses: which one, its figures, when it resets."""

import math

from legato.core.errors import BudgetExceeded, LegatoError, RateLimited
from legato.core.leases import Grant, LimitKind
from legato.core.money import NanoUSD, display_places, display_usd
from legato.governance.purses import Purse, Refused
from legato.governance.slots import Slots

_NS_PER_S = 1_000_000_000
_SPANS = {"60": "minute", "3600": "hour"}


def refusal(refused: Refused) -> LegatoError:
    """Return the error for a budget in money or tokens, or for a rate."""
    purse, grant = refused.purse, refused.grant
    frees_ns = grant.resets_at_ns if grant.frees_at_ns is None else grant.frees_at_ns
    after_s = None if frees_ns is None else max(0.0, (frees_ns - grant.at_ns) / _NS_PER_S)
    if purse.limit.kind is LimitKind.RATE:
        return _rate_exceeded(purse, after_s)
    return BudgetExceeded(_exceeded(purse, refused.amount, grant, after_s), retry_after_s=after_s)


def _rate_exceeded(purse: Purse, after_s: float | None) -> RateLimited:
    limit = purse.limit
    resets = "it doesn't reset" if after_s is None else f"the limit resets in {after_s:.0f} s"
    if purse.told.budget_id:
        who = f"Budget {_name(purse)} has used its"
    else:
        who = f"Key {purse.told.name!r} has used its"
    msg = f"{who} {limit.limit} requests per {_window(limit.span)}; {resets}."
    return RateLimited(msg, retry_after_s=after_s)


def _exceeded(purse: Purse, amount: int, grant: Grant, after_s: float | None) -> str:
    figures = (purse.limit.limit, amount, grant.settled, grant.leased)
    if purse.limit.kind is LimitKind.TOKENS:
        whole, needed, gone, aside = (f"{number} tokens" for number in figures)
    else:
        places = display_places(tuple(NanoUSD(number) for number in figures))
        whole, needed, gone, aside = (f"${display_usd(NanoUSD(n), places)}" for n in figures)
    resets = "it does not reset." if after_s is None else f"it resets in {span_text(after_s)}."
    if purse.limit.span.startswith("rolling") and after_s is not None:
        resets = f"the oldest part of it comes back in {span_text(after_s)}."
    return (
        f"Budget of {_name(purse)} ({_window(purse.limit.span)}) of {whole} can't hold this call: "
        f"it needs up to {needed}, {gone} is spent and {aside} is set aside for calls that run "
        f"or have just been made; {resets}"
    )


def slots_taken(slots: Slots) -> RateLimited:
    """Return the error for a limit of calls at the same time."""
    limit = slots.limit.limit
    if slots.told.budget_id:
        of = f" ({slots.told.of})" if slots.told.of else ""
        msg = f"Budget {slots.told.name!r}{of} has {limit} requests running, all it allows"
    else:
        msg = f"Key {slots.told.name!r} has {limit} requests running, its concurrency limit"
    return RateLimited(f"{msg}; try again when one has finished.", retry_after_s=1)


def _name(purse: Purse) -> str:
    told = purse.told
    return f"{told.name} ({told.of})" if told.of else told.name


def _window(span: str) -> str:
    if span.startswith("rolling/"):
        return f"the last {span_text(int(span.split('/')[1]))}"
    return _SPANS.get(span, span)


def span_text(seconds: float) -> str:
    """Write a time as people say it: `2 d 3 h`."""
    minutes, rest_s = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest_s, "s"))
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2])

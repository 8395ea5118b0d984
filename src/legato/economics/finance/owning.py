"""Own machines against an API, and a trained model against the one that is used."""

import math
from decimal import Context, Decimal, localcontext
from typing import Final

import msgspec

from legato.core.money import NanoUSD
from legato.economics.finance.figures import CurvePoint
from legato.economics.finance.flows import PRECISION, whole
from legato.economics.finance.method import paragraphs

METHOD: Final = paragraphs(
    """
    Tokens are of one mix: for each written so many are read. A machine's seconds for a token are
    those measured: read tokens over prompt tokens/s, written over generated tokens/s of all slots
    together.

    A machine gives what was measured times machine.utilisation, over machine.hours_month; it is
    paid for whole, machine.hour_usd for each hour. machine.operations_usd_month comes on top.

    Break-even: the fewest tokens a month at which whole machines cost no more than the API; never
    where a machine used that much costs more than the API takes for the same tokens.
    """
)
TUNE_METHOD: Final = paragraphs(
    """
    Saved per request: what both deployments charged for a request on average, of the ledger.

    Break-even in requests: tune.once_usd over what a request saves, upkeep aside; in months: the
    first in which savings minus tune.upkeep_usd_month have made up for tune.once_usd.
    """
)
_NANO: Final = 10**9
_MTOK: Final = 1_000_000
_POINTS: Final = (Decimal("0.1"), Decimal("0.5"), Decimal(1), Decimal(2), Decimal(5), Decimal(10))


class Mix(msgspec.Struct, frozen=True):
    """Read and written tokens of a month, or their proportion."""

    read: int
    written: int


class Speed(msgspec.Struct, frozen=True):
    """Tokens per second of one machine, all its slots together."""

    prompt: Decimal
    generated: Decimal


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine costs and how it is used."""

    hour_usd: Decimal
    hours_month: Decimal
    utilisation: Decimal
    fixed_usd_month: Decimal
    count_max: int | None


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """What own machines come to; tokens are read and written together."""

    tokens_per_machine: int
    machine_month: NanoUSD
    fixed_month: NanoUSD
    own_per_mtok_full: NanoUSD
    break_even_tokens: int | None
    machines: int | None
    told: str


def owned(mix: Mix, speed: Speed, api_nano_per_mtok: int, machine: Machine) -> Owned:
    """Return from how many tokens a month on own machines pay.

    n machines carry n x C tokens and cost F + n x M; the API takes p for a token. n machines pay
    from (F + n x M) / p on, which has to lie within what n carry: the first such n is the answer.
    """
    with localcontext(Context(prec=PRECISION)):
        share = Decimal(mix.written) / (mix.read + mix.written)
        seconds = (1 - share) / speed.prompt + share / speed.generated  # of one token
        carried = machine.hours_month * 3600 * machine.utilisation / seconds
        month = machine.hour_usd * machine.hours_month * _NANO
        fixed = machine.fixed_usd_month * _NANO
        price = Decimal(api_nano_per_mtok) / _MTOK
        full = whole(month / carried * _MTOK)
        gain = carried * price - month  # of one machine in full use, over the API
        result = Owned(
            tokens_per_machine=int(carried),
            machine_month=whole(month),
            fixed_month=whole(fixed),
            own_per_mtok_full=full,
            break_even_tokens=None,
            machines=None,
            told="never: a machine used that much costs more than the API takes for its tokens",
        )
        if gain < 0 or price <= 0 or (gain == 0 and fixed > 0):
            return result
        machines = max(1, math.ceil(fixed / gain)) if gain > 0 else 1
        if machine.count_max is not None and machines > machine.count_max:
            told = f"never with machine.count_max {machine.count_max}: it takes {machines} machines"
            return msgspec.structs.replace(result, told=told)
        tokens = math.ceil((fixed + machines * month) / price)
        told = f"from {tokens:,} tokens a month on, with {machines} machine(s)"
        return msgspec.structs.replace(
            result, break_even_tokens=tokens, machines=machines, told=told
        )


def curve(found: Owned, api_nano_per_mtok: int, tokens_now: int | None) -> list[CurvePoint]:
    """Return points around the break-even, or around a machine's full use, and today's."""
    around = found.break_even_tokens or found.tokens_per_machine
    wanted = {int(around * part) for part in _POINTS} | ({tokens_now} if tokens_now else set())
    return [_point(found, api_nano_per_mtok, tokens) for tokens in sorted(wanted) if tokens]


def _point(found: Owned, api_nano_per_mtok: int, tokens: int) -> CurvePoint:
    machines = math.ceil(Decimal(tokens) / max(1, found.tokens_per_machine))
    return CurvePoint(
        tokens=tokens,
        api_nano=whole(Decimal(tokens) * api_nano_per_mtok / _MTOK),
        own_nano=NanoUSD(found.fixed_month + machines * found.machine_month),
        machines=machines,
    )


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """What training a smaller model comes to."""

    requests: int | None
    month: int | None
    told: str


def tuned(once: int, upkeep_month: int, saved_pico_per_request: int, requests_month: int) -> Tuned:
    """Return when a one-off cost has come back; costs in nano-USD."""
    if saved_pico_per_request <= 0:
        return Tuned(requests=None, month=None, told="never: a request costs no less there")
    requests = -(-once * 1000 // saved_pico_per_request)
    monthly = saved_pico_per_request * requests_month - upkeep_month * 1000
    if monthly <= 0:
        told = "never at this volume: upkeep costs what the requests save"
        return Tuned(requests=requests, month=None, told=told)
    month = -(-once * 1000 // monthly)
    return Tuned(requests=requests, month=month, told=f"after {requests:,} requests, month {month}")

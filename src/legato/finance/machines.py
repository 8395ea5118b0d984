"""Own machines against an API, and a trained model against the one in use, by measured figures."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, round_to_nano
from legato.core.price import Price
from legato.core.records import EntryKind as LedgerKind
from legato.core.tenant import Tenant
from legato.core.usage import TOKEN_CLASSES
from legato.economics.finance.assumptions import Book, Input, Tag
from legato.economics.finance.figures import FineTune, SelfHost
from legato.economics.finance.flows import whole
from legato.economics.finance.owning import (
    METHOD,
    TUNE_METHOD,
    Machine,
    Mix,
    Speed,
    curve,
    owned,
    tuned,
)
from legato.finance.books import FinanceBooks
from legato.finance.plans import Asked, asked_book
from legato.finance.spent import Spent, SumsOf
from legato.finance.volumes import Deployed, DeployedNow
from legato.finance.window import window

_WRITTEN: Final = ("out_text", "reasoning", "audio_out", "image_out")
_NANO: Final = 10**9
_MTOK: Final = 1_000_000
_MIX: Final = "mix.read_per_written"


class Measured(Protocol):
    """How fast a model was on a machine."""

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def told(self) -> str:
        """When and on what, in words."""
        ...

    @property
    def prompt_per_s(self) -> str:
        """Tokens read in a second, as a decimal text."""
        ...

    @property
    def generated_per_s(self) -> str:
        """Tokens written in a second, all slots together."""
        ...


SpeedsNow = Callable[[], Sequence[Measured]]


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment answered over some days; cost in nano-USD."""

    requests: int
    unpriced: int
    cost: int
    read: int
    written: int


class Machines:
    """Every method may raise StorageUnavailable."""

    def __init__(
        self,
        books: FinanceBooks,
        ledger: tuple[SumsOf, Clock],
        deployed: DeployedNow,
        speeds: SpeedsNow,
    ) -> None:
        self._books = books
        self._sums, self._clock = ledger
        self._deployed = deployed
        self._speeds = speeds

    def self_host(self, tenant: Tenant, deployment: str, model: str, asked: Asked) -> SelfHost:
        """Return from how many tokens a month a local model pays, instead of a deployment.

        The deployment's price and mix are what the ledger has of it; without traffic its list
        price, and `mix.read_per_written`. The model's speed is what `legato local bench` kept.

        Raises:
            InvalidRequest: naming what is missing and how to say it.
        """
        book = asked_book(self._books, tenant, asked)
        known = self._known(deployment)
        spent, to_month = self._traffic(tenant, deployment, asked.days)
        mix, price = _measured_mix(spent), _measured_price(spent)
        if mix is None or price is None:
            mix = _assumed_mix(book)
            price = _list_price(deployment, known.price, mix)
            book.learn(_input("price.api_usd_per_mtok", price, "list price, at that mix"))
        else:
            told = f"{deployment} in the ledger, {mix.read:,} read and {mix.written:,} written"
            book.learn(_input("price.api_usd_per_mtok", price, told, Tag.MEASURED))
        speed = self._speed(book, model)
        machine = _machine(book)
        found = owned(mix, speed, price, machine)
        now = None
        if spent is not None:
            now = int((mix.read + mix.written) * to_month)
        return SelfHost(
            deployment=deployment,
            model=model,
            api_per_mtok_nano=NanoUSD(price),
            own_per_mtok_full_nano=found.own_per_mtok_full,
            tokens_per_machine_month=found.tokens_per_machine,
            machine_month_nano=found.machine_month,
            fixed_month_nano=found.fixed_month,
            break_even_tokens=found.break_even_tokens,
            break_even_machines=found.machines,
            told=found.told,
            tokens_now=now,
            curve=curve(found, price, now),
            inputs=book.used,
            method=METHOD,
        )

    def fine_tune(self, tenant: Tenant, source: str, target: str, asked: Asked) -> FineTune:
        """Return when training a model for what `source` answers now has come back.

        What a request costs at `target` is what the ledger has of it; without traffic its list
        price on what `source` read and wrote.

        Raises:
            InvalidRequest: naming what is missing and how to say it.
        """
        book = asked_book(self._books, tenant, asked)
        self._known(source)
        known = self._known(target)
        spent, to_month = self._traffic(tenant, source, asked.days)
        if spent is None or not spent.requests:
            told = f"from: nothing went to {source!r} in the last {asked.days} days"
            raise InvalidRequest(told, param="from")
        paid = spent.cost * 1000 // spent.requests
        there, _ = self._traffic(tenant, target, asked.days)
        if there is not None and there.requests:
            costs = there.cost * 1000 // there.requests
            told = f"{there.requests} requests of {target} in the ledger"
        else:
            costs = _priced_pico(target, known.price, spent)
            told = f"list price of {target} on what {source} read and wrote"
        once, upkeep = book.need("tune.once_usd"), book.find("tune.upkeep_usd_month")
        book.learn(_input("price.to_usd_per_request", round_to_nano(costs), told, Tag.MEASURED))
        requests = int(spent.requests * to_month)
        found = tuned(
            whole(once.number * _NANO),
            0 if upkeep is None else whole(upkeep.number * _NANO),
            paid - costs,
            requests,
        )
        return FineTune(
            from_deployment=source,
            to_deployment=target,
            once_nano=whole(once.number * _NANO),
            saved_per_request_pico=paid - costs,
            upkeep_month_nano=NanoUSD(0 if upkeep is None else whole(upkeep.number * _NANO)),
            requests_month=requests,
            break_even_requests=found.requests,
            break_even_month=found.month,
            told=found.told,
            inputs=book.used,
            method=TUNE_METHOD,
        )

    def _known(self, deployment: str) -> Deployed:
        found: Mapping[str, Deployed] = self._deployed()
        if deployment not in found:
            known = ", ".join(sorted(found)) or "none"
            told = f"deployment: nothing here is called {deployment!r}; deployments: {known}"
            raise InvalidRequest(told, param="deployment")
        return found[deployment]

    def _traffic(
        self, tenant: Tenant, deployment: str, days: int
    ) -> tuple[Traffic | None, Decimal]:
        """Return what a deployment answered and what makes a month of it; None for nothing."""
        sums = self._sums(tenant)
        try:
            found = window(sums, self._clock.now_ns(), days)
        except InvalidRequest as error:
            if error.param != "days" or "no entry" not in error.message:
                raise
            return None, Decimal(1)
        # a cached answer names the deployment that gave it first
        kinds = sums.sum_by(["kind"], found.span, {"deployment": (deployment,)})
        answered = [one for one in kinds if one.group[0] != LedgerKind.CACHE.value]
        if not answered:
            return None, found.to_month
        return _together(answered), found.to_month

    def _speed(self, book: Book, model: str) -> Speed:
        named = [one for one in self._speeds() if one.model == model]
        if named:
            newest = named[-1]
            for name, value in (
                ("speed.prompt_per_s", newest.prompt_per_s),
                ("speed.generated_per_s", newest.generated_per_s),
            ):
                found = Input(
                    name=name,
                    value=value,
                    unit="tokens per second",
                    tag=Tag.BENCHMARK.value,
                    source=newest.told,
                )
                book.learn(found)
        if not book.has("speed.prompt_per_s") or not book.has("speed.generated_per_s"):
            raise InvalidRequest(
                f"model: {model!r} wasn't measured on this machine: `legato local bench {model}`, "
                "or say speed.prompt_per_s and speed.generated_per_s",
                param="model",
            )
        prompt, generated = (
            book.need(f"speed.{what}_per_s").number for what in ("prompt", "generated")
        )
        return Speed(prompt, generated)


def _machine(book: Book) -> Machine:
    fixed, most = book.find("machine.operations_usd_month"), book.find("machine.count_max")
    return Machine(
        hour_usd=book.need("machine.hour_usd").number,
        hours_month=book.need("machine.hours_month").number,
        utilisation=book.need("machine.utilisation").number,
        fixed_usd_month=Decimal(0) if fixed is None else fixed.number,
        count_max=None if most is None else int(most.number),
    )


def _together(several: Sequence[Spent]) -> Traffic:
    tokens = {name: sum(one.tokens[name] for one in several) for name in TOKEN_CLASSES}
    written = sum(tokens[name] for name in _WRITTEN)
    return Traffic(
        requests=sum(one.requests for one in several),
        unpriced=sum(one.unpriced for one in several),
        cost=sum(one.cost for one in several),
        read=sum(tokens.values()) - written,
        written=written,
    )


def _measured_mix(spent: Traffic | None) -> Mix | None:
    if spent is None:
        return None
    return Mix(spent.read, spent.written) if spent.read > 0 and spent.written > 0 else None


def _measured_price(spent: Traffic | None) -> int | None:
    mix = _measured_mix(spent)
    if spent is None or mix is None or spent.unpriced or spent.cost <= 0:
        return None
    return whole(Decimal(spent.cost) * _MTOK / (mix.read + mix.written))


def _assumed_mix(book: Book) -> Mix:
    per_written = book.need(_MIX).number
    return Mix(int(per_written * 1000), 1000)


def _list_price(deployment: str, price: Price | None, mix: Mix) -> int:
    if price is None or not (price.in_uncached or price.out_text):
        raise InvalidRequest(
            f"deployment: {deployment} has neither traffic nor a price per token",
            param="deployment",
        )
    pico = mix.read * price.in_uncached + mix.written * price.out_text
    return whole(Decimal(pico) / 1000 * _MTOK / (mix.read + mix.written))


def _priced_pico(deployment: str, price: Price | None, spent: Traffic) -> int:
    """Return what one request of that traffic costs at a list price, in pico-USD."""
    if price is None or not (price.in_uncached or price.out_text):
        raise InvalidRequest(
            f"to: {deployment} has neither traffic nor a price per token", param="to"
        )
    pico = spent.read * price.in_uncached + spent.written * price.out_text
    return pico // spent.requests


def _input(name: str, nano: int, source: str, tag: Tag = Tag.ASSUMED) -> Input:
    return Input(
        name=name,
        value=format(Decimal(nano) / _NANO, "f"),
        unit="USD per million tokens" if name.endswith("mtok") else "USD per request",
        tag=tag.value,
        source=source,
    )

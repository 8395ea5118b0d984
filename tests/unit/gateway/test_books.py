from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from legato.core.capability import DOCUMENTS, Ability
from legato.core.clock import ManualClock
from legato.core.config import Retry, Strategy
from legato.core.errors import NotAccountable
from legato.core.leases import Grant
from legato.core.money import NanoUSD, PicoUSD
from legato.core.price import Price
from legato.core.principal import BudgetLimit, Principal, Window
from legato.core.records import EntryKind, Intent, Progress, Settled, decode_record
from legato.core.usage import NO_USAGE, UsageSource
from legato.core.wire import RequestView
from legato.gateway.books import Attempt, Books
from legato.gateway.context import Call
from legato.gateway.directory import Deployment, Route
from legato.governance.worker import governed
from legato.journal.errors import JournalPoisoned
from legato.routing.strategies import ORDERS, Candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from legato.core.leases import Wish

HOUR_S = 3600.0


class Tape:
    """The append side of a journal, kept in memory."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def append(self, payload: bytes) -> None:
        self.records.append(decode_record(payload))

    append_intent = append
    append_settled = append

    async def commit(self) -> None:
        return


def deployment_at(price: Price) -> Deployment:
    unused: Any = None
    return Deployment(
        name="small",
        provider_name="here",
        model="m",
        region="",
        provider=unused,
        transport=unused,
        price=price,
        max_output_tokens=100,
        candidate=Candidate("small", 1, None),
        breaker=0,
    )


def call_of(deployment: Deployment) -> Call:
    unused: Any = None
    call = Call("r", unused, unused, 0)
    call.principal = Principal(key_id="k", name="n", org="o", team="t", feature="f")
    call.view = RequestView("chat")
    call.route = Route(
        alias="chat",
        name="chat",
        deployments=[deployment],
        order=ORDERS[Strategy.ORDERED],
        baseline=deployment,
        retry=Retry(),
        deadline_s=HOUR_S,
        cache_ttl_s=0,
        drop_unsupported=False,
        model_name="upstream",
        fingerprint="",
    )
    return call


async def test_a_machine_priced_by_the_hour_is_never_estimated_at_nothing() -> None:
    tape = Tape()
    nowhere: Any = None
    without = governed(nowhere, here, ManualClock(), holder="w").budgets
    books = Books(tape, without, ManualClock(), config_version="c", durable=False)
    deployment = deployment_at(Price("v", machine_hour=NanoUSD(1_000_000_000), slots=2))
    call = call_of(deployment)
    attempt = await books.open(call, deployment)
    attempt.started_ns -= int(HOUR_S * 1e9) // 10
    books.progress(attempt, call, 1)
    intent, progress = tape.records
    assert isinstance(intent, Intent)
    assert intent.estimated_cost == intent.estimated_baseline_cost == 500_000_000
    assert isinstance(progress, Progress)
    assert progress.estimated_cost is not None
    assert 50_000_000 <= progress.estimated_cost < 51_000_000


class PoisonedTape(Tape):
    """A disk that refuses the end of an attempt."""

    def append_settled(self, payload: bytes) -> None:
        raise JournalPoisoned(str(len(payload)))


class Store:
    """Grants whatever is asked for."""

    def __init__(self) -> None:
        self.leased = 0

    def take(self, wishes: Sequence[Wish], **_: object) -> list[Grant]:
        self.leased += sum(wish.want for wish in wishes)
        return [Grant(one.want, 0, self.leased, one.limit.limit, 0, None, 0) for one in wishes]


async def here(work: Callable[[], Any]) -> Any:
    return work()


def budgeted(tape: Tape, store: Any) -> tuple[Books, Deployment, Call]:
    clock = ManualClock()
    budgets = governed(store, here, clock, holder="w").budgets
    deployment = deployment_at(
        Price("v", in_uncached=PicoUSD(1_000_000), out_text=PicoUSD(1_000_000))
    )
    call = call_of(deployment)
    limit = BudgetLimit("b", NanoUSD(10**12), Window.TOTAL)
    call.principal = Principal(key_id="k", name="n", org="o", team="t", feature="f", budget=limit)
    return Books(tape, budgets, clock, config_version="c", durable=False), deployment, call


def refused(books: Books, attempt: Attempt, call: Call) -> None:
    books.settle_refused(attempt, call, "provider_unavailable", 503)


def voided(books: Books, attempt: Attempt, call: Call) -> None:
    books.void(attempt, call.request_id)


@pytest.mark.parametrize("end", [refused, voided])
async def test_a_hold_ends_even_where_the_journal_refuses_the_record(
    end: Callable[[Books, Attempt, Call], None],
) -> None:
    store = Store()
    books, deployment, call = budgeted(PoisonedTape(), store)
    budget = BudgetLimit("b", NanoUSD(10**9), Window.TOTAL)
    call.principal = Principal(key_id="k", name="n", org="o", team="t", feature="f", budget=budget)
    leased = 0
    for _ in range(2_000):
        attempt = await books.open(call, deployment)
        leased = leased or store.leased
        with pytest.raises(JournalPoisoned):
            end(books, attempt, call)
    assert store.leased == leased


async def test_a_providers_endless_model_name_does_not_keep_the_spend_out_of_the_journal() -> None:
    tape = Tape()
    books, deployment, call = budgeted(tape, Store())
    attempt = await books.open(call, deployment)
    books.settle(
        attempt,
        call,
        kind=EntryKind.USAGE,
        usage=NO_USAGE,
        source=UsageSource.PROVIDER,
        status="ok",
        http_status=200,
        model_served="m" * 3_000_000,
    )
    settled = tape.records[-1]
    assert isinstance(settled, Settled)
    assert settled.model_served == "m" * 256


async def test_an_image_is_held_at_what_its_vendor_may_count_for_it() -> None:
    tape = Tape()
    books, deployment, call = budgeted(tape, Store())
    deployment.image_tokens = 4_784
    call.view = RequestView("chat", image_count=2)
    call.body_bytes = 300
    await books.open(call, deployment)
    assert tape.records[0].hold == (300 + 2 * 4_784 + 100) * 1_000


async def test_a_document_is_held_at_the_whole_context_of_the_model() -> None:
    tape = Tape()
    books, deployment, call = budgeted(tape, Store())
    call.view = RequestView("chat", needs=DOCUMENTS)
    call.body_bytes = 300
    deployment.ability = Ability(0, 200_000, 0)
    await books.open(call, deployment)
    assert tape.records[0].hold == (200_000 + 100) * 1_000


async def test_a_document_that_nothing_bounds_is_refused_to_a_key_with_a_budget() -> None:
    books, deployment, call = budgeted(Tape(), Store())
    call.view = RequestView("chat", needs=DOCUMENTS)
    with pytest.raises(NotAccountable, match=r"capabilities\.context_tokens"):
        await books.open(call, deployment)
    call.principal = Principal(key_id="k", name="n", org="o", team="t", feature="f")
    await books.open(call, deployment)

"""The books: what each attempt may cost, that it was sent, and what came of it.

The only writer of spend records. An attempt ends exactly once: settled, or voided when it
provably never reached the provider. Neither ending awaits anything, so cancellation can't
cut it and a retry can't double it.
"""

from contextlib import suppress
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec.structs import replace

from legato.core.capability import DOCUMENTS
from legato.core.clock import Clock
from legato.core.errors import NotAccountable
from legato.core.money import NanoUSD
from legato.core.price import UNPRICED, Price
from legato.core.records import EntryKind, Facts, Intent, Progress, Settled, Voided, encode_record
from legato.core.usage import NO_USAGE, Unit, Usage, UsageSource
from legato.economics.cost import priced, upper_bound
from legato.economics.estimate import estimated_usage, input_tokens_bound
from legato.economics.waterfall import Prices, waterfall
from legato.gateway.context import Lost

if TYPE_CHECKING:
    from legato.core.principal import Principal
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route
    from legato.governance.budgets import Budgets, Hold

_NS_PER_US = 1_000
_US_PER_S = 1_000_000
_BYTES_PER_TOKEN = 4
MODEL_CHARS_MAX = 256
"""Of the model name in an answer; more than that is no name, and a record has its limits."""
PROGRESS_CHARS = 16_384
"""A stream's estimate is journaled again each time so many characters have come."""


_LOST = frozenset({EntryKind.RETRY, EntryKind.HEDGE})
FIRST = "first"
SECOND = "second"
"""Of two attempts at the same time."""
_OVERHEAD = frozenset({EntryKind.JUDGE, EntryKind.SHADOW, EntryKind.OVERHEAD})


class Journal(Protocol):
    """The append side of the spend journal."""

    def append(self, payload: bytes) -> None:
        """Write a record that nothing waits for."""
        ...

    def append_intent(self, payload: bytes) -> None:
        """Write an intent and keep room for its end. Raises JournalFull."""
        ...

    def append_settled(self, payload: bytes) -> None:
        """Write the end of an intent, in the room kept for it."""
        ...

    async def commit(self) -> None:
        """Return once all that was appended survives a power loss (where so configured)."""
        ...


class Attempt:
    """One attempt that has been announced in the journal and has not ended yet."""

    __slots__ = (
        "deployment",
        "ended",
        "estimate",
        "facts",
        "first_byte_ns",
        "hold",
        "output_tokens_max",
        "progress_chars",
        "provider",
        "started_ns",
    )

    def __init__(
        self,
        facts: Facts,
        deployment: "Deployment",
        *,
        hold: "Hold | None",
        estimate: Usage,
        output_tokens_max: int | None,
    ) -> None:
        self.facts = facts
        self.deployment = deployment
        self.provider = deployment.provider  # another may take its place while this one runs
        self.hold = hold
        self.estimate = estimate
        self.output_tokens_max = output_tokens_max
        self.started_ns = perf_counter_ns()
        self.first_byte_ns = 0
        self.ended = False
        self.progress_chars = PROGRESS_CHARS


class Books:
    """Opens, settles and voids attempts."""

    def __init__(
        self,
        journal: Journal,
        budgets: "Budgets",
        clock: Clock,
        *,
        config_version: str,
        durable: bool,
    ) -> None:
        self._journal = journal
        self._budgets = budgets
        self._now_ns = clock.now_ns
        self._config_version = config_version
        self._durable = durable

    async def open(self, call: "Call", deployment: "Deployment") -> Attempt:
        """Take the hold where the key has a budget, then journal the intent.

        Raises:
            BudgetExceeded: the upper bound of this attempt doesn't fit.
            NotAccountable: a budgeted key at an unpriced deployment, or the journal is full.
        """
        route = _route(call)
        price = deployment.price
        view = call.view
        output_tokens = view.max_output_tokens or deployment.max_output_tokens
        hold = await self._hold(call, deployment, output_tokens * view.choices)
        call.attempts += 1
        estimate = Usage(
            in_uncached=call.body_bytes // _BYTES_PER_TOKEN + 1,
            out_text=output_tokens * view.choices,
            units=view.units,
        )
        attempt = Attempt(
            self.facts(call, deployment, call.attempts),
            deployment,
            hold=hold,
            estimate=estimate,
            output_tokens_max=(
                output_tokens
                if hold is not None and hold.paid.is_hard and view.max_output_tokens is None
                else None
            ),
        )
        longest_us = int(route.deadline_s * _US_PER_S)
        is_second = call.hedged == SECOND  # should the end be lost: not two that answered
        intent = Intent(
            attempt.facts,
            self._now_ns() if hold is None else hold.at_ns,
            None if hold is None else hold.amount,
            "" if hold is None else hold.budget_id,
            estimate,
            priced(estimate, price, longest_us, view.unit),
            NanoUSD(0) if is_second else _baseline_cost(call, estimate, longest_us),
            EntryKind.HEDGE if is_second else call.kind,
            "" if hold is None else hold.paid.spans,
        )
        try:
            self._journal.append_intent(encode_record(intent))
        except BaseException:
            if hold is not None:
                self._budgets.settle(hold, NanoUSD(0))
            raise
        if self._durable:
            await self._commit(attempt)
        return attempt

    async def _hold(
        self, call: "Call", deployment: "Deployment", output_tokens: int
    ) -> "Hold | None":
        """Set the upper bound of an attempt aside in all budgets that cover it."""
        principal, coverage = call.principal, self._budgets.coverage
        if principal is None:
            return None
        if principal.budget is None and not principal.inherits_limits and coverage.is_empty:
            return None
        cover = coverage.of(principal, call.user, call.view.model)
        paid = coverage.paid(cover, call.user, call.view.model, deployment.name)
        if paid is None:
            return None
        bound = tokens = 0
        if paid.money and (paid.is_priced or deployment.price is not None):
            bound = self._cost_bound(call, deployment, output_tokens)
        if paid.tokens and not call.view.unit:
            tokens = _input_bound(call, deployment) + output_tokens
        return await self._budgets.hold(paid, NanoUSD(bound), tokens)

    @staticmethod
    def _cost_bound(call: "Call", deployment: "Deployment", output_tokens: int) -> NanoUSD:
        """Return the most that an attempt can cost. Raises NotAccountable."""
        if deployment.price is None:
            msg = (
                f"Deployment {deployment.name!r} has no price, so its calls can't be held "
                "against this key's budget: give it a price."
            )
            raise NotAccountable(msg)
        if (
            call.view.unit
            and deployment.price.unit != call.view.unit
            and not _token_price(deployment.price, call.view.unit)
        ):
            msg = (
                f"Deployment {deployment.name!r} has a price for neither tokens nor "
                f"{call.view.unit} units, so its calls can't be held against this key's budget."
            )
            raise NotAccountable(msg)
        return upper_bound(
            deployment.price,
            input_tokens=_input_bound(call, deployment),
            output_tokens=output_tokens,
            duration_us=int(_route(call).deadline_s * _US_PER_S),
            units=call.view.units,
        )

    def progress(self, attempt: Attempt, call: "Call", output_chars: int) -> None:
        """Journal a running stream's better estimate, once in a while."""
        attempt.progress_chars = output_chars + PROGRESS_CHARS
        usage = estimate(attempt, call, output_chars)
        so_far_us = (perf_counter_ns() - attempt.started_ns) // _NS_PER_US
        spent, would = _costs(call, attempt.deployment, usage, so_far_us)
        record = Progress(attempt.facts.request_id, attempt.facts.attempt, usage, spent, would)
        with suppress(NotAccountable):  # a full journal: the intent's own estimate has to do
            self._journal.append(encode_record(record))

    def void(self, attempt: Attempt, reason: str) -> None:
        """End an attempt that never reached the provider."""
        voided = Voided(attempt.facts.request_id, attempt.facts.attempt, reason)
        self._end(attempt, voided, NanoUSD(0))

    def settle(
        self,
        attempt: Attempt,
        call: "Call",
        *,
        kind: EntryKind,
        usage: Usage,
        source: UsageSource,
        status: str,
        http_status: int,
        model_served: str = "",
    ) -> None:
        """End an attempt with what it used. The first ending counts: later ones do nothing."""
        if attempt.ended:
            return
        now_ns = perf_counter_ns()
        total_us = (now_ns - attempt.started_ns) // _NS_PER_US
        charged = charge(call, attempt.deployment, kind, usage, duration_us=total_us)
        spent, hold = charged.cost, attempt.hold
        settled = Settled(
            attempt.facts,
            kind,
            self._now_ns(),
            usage,
            source,
            spent,
            charged.baseline_cost,
            model_served[:MODEL_CHARS_MAX],
            status,
            http_status,
            total_us,
            (attempt.first_byte_ns - attempt.started_ns) // _NS_PER_US
            if attempt.first_byte_ns
            else 0,
            max(0, (now_ns - call.started_ns - call.upstream_ns) // _NS_PER_US),
            "" if hold is None else hold.budget_id,
            0 if hold is None else hold.at_ns,
            steps=charged.steps,
            budget_spans="" if hold is None else hold.paid.spans,
        )
        self._end(attempt, settled, spent or NanoUSD(0), usage.total_tokens)

    def _end(
        self, attempt: Attempt, record: Settled | Voided, spent: NanoUSD, tokens: int = 0
    ) -> None:
        """Journal the end; the hold ends with it even where the journal refuses the record."""
        attempt.ended = True
        try:
            self._journal.append_settled(encode_record(record))
        finally:
            if attempt.hold is not None:
                self._budgets.settle(attempt.hold, spent, tokens)

    def settle_unknown(self, attempt: Attempt, call: "Call", status: str) -> None:
        """End an attempt whose outcome is lost: the upper estimate, marked unknown."""
        self.settle(
            attempt,
            call,
            kind=call.overhead,
            usage=attempt.estimate,
            source=UsageSource.UNKNOWN,
            status=status,
            http_status=0,
        )

    def settle_refused(self, attempt: Attempt, call: "Call", status: str, http_status: int) -> None:
        """End an attempt that the provider answered with an error: nothing was billed."""
        self.settle(
            attempt,
            call,
            kind=call.overhead,
            usage=NO_USAGE,
            source=UsageSource.PROVIDER,
            status=status,
            http_status=http_status,
        )

    def cached(self, call: "Call", usage: Usage, duration_us: int, model_served: str) -> None:
        """Enter a cache hit: it cost nothing, its baseline is what it saved."""
        if call.deployment is None:
            msg = "a cache hit has a deployment"
            raise AssertionError(msg)
        facts = self.facts(call, call.deployment, 0)
        if call.degraded:  # a lesser answer instead of none: nobody saved anything by it
            call.baseline_cost = NanoUSD(0)
        else:
            call.baseline_cost = _baseline_cost(call, usage, duration_us)
        now_us = (perf_counter_ns() - call.started_ns) // _NS_PER_US
        self._journal.append(
            encode_record(
                Settled(
                    facts,
                    EntryKind.CACHE,
                    self._now_ns(),
                    usage,
                    UsageSource.CACHE,
                    NanoUSD(0),
                    call.baseline_cost,
                    model_served,
                    "ok",
                    0,
                    now_us,
                    now_us,
                    now_us,
                )
            )
        )

    def facts(self, call: "Call", deployment: "Deployment", attempt: int) -> Facts:
        """Return the dimensions of an attempt."""
        principal, route, price = call.principal, _route(call), deployment.price
        if principal is None:
            msg = "an attempt has a principal"
            raise AssertionError(msg)
        return Facts(
            call.request_id,
            attempt,
            principal.org,
            principal.team,
            principal.feature,
            principal.key_id,
            call.user,
            _tags(call, principal),
            call.view.model,
            route.name,
            deployment.name,
            deployment.provider_name,
            deployment.model,
            deployment.region,
            UNPRICED if price is None else price.version,
            route.baseline.name,
            self._config_version,
            call.versions_with(deployment),
            call.arms,
            "" if call.measures is None else str(call.measures),
        )

    async def _commit(self, attempt: Attempt) -> None:
        try:
            await self._journal.commit()
        except BaseException:
            self.void(attempt, "journal commit failed")
            raise


class Charged(NamedTuple):
    """What an attempt cost, and what the baseline would have: None where unpriced.

    `steps` lie between, where they don't follow from the entry's kind.
    """

    cost: NanoUSD | None
    baseline_cost: NanoUSD | None
    steps: tuple[int, ...] = ()


def charge(
    call: "Call", deployment: "Deployment", kind: EntryKind, usage: Usage, *, duration_us: int
) -> Charged:
    """Charge an attempt to its call; return what it cost and what the baseline would have cost."""
    spent, would = _costs(call, deployment, usage, duration_us)
    steps: tuple[int, ...] = ()
    if kind in _LOST:
        would = NanoUSD(0)  # the baseline would have answered at once: a retry is overhead
        call.lost += (Lost(deployment.name, usage, spent),)
    else:
        if call.degraded and call.kind not in _OVERHEAD:
            would = spent  # the baseline's answer wasn't to be had: the difference is no saving
        elif spent != would:
            steps = _steps(call, deployment, usage, duration_us)
        call.baseline_cost = would
    call.add_cost(spent)
    return Charged(spent, would, steps)


def _costs(
    call: "Call", deployment: "Deployment", usage: Usage, duration_us: int
) -> tuple[NanoUSD | None, NanoUSD | None]:
    price = deployment.price
    spent = priced(usage, price, duration_us, call.view.unit)
    same = _route(call).baseline.price is price and call.measures is None
    if same and call.kind is EntryKind.USAGE:
        return spent, spent
    return spent, _baseline_cost(call, usage, duration_us)


def _steps(
    call: "Call", deployment: "Deployment", usage: Usage, duration_us: int
) -> tuple[int, ...]:
    """Return what each step saved; () where it was routing alone, or all of it is overhead."""
    price, baseline = deployment.price, _route(call).baseline.price
    if price is None or baseline is None or call.kind in _OVERHEAD:
        return ()
    if call.measures is None and not price.machine_hour:
        return ()
    prices = Prices(baseline, price, price)
    return waterfall(usage, prices, call.measures, unit=call.view.unit, duration_us=duration_us)


def estimate(attempt: Attempt, call: "Call", output_chars: int) -> Usage:
    """Return the usage of an answer the provider has not counted: never above its hold.

    Where units are billed, those that were asked for: what came of them isn't known.

    A few long words make more than one token of four characters each; but the maximum that was
    held for was sent along, so more tokens than that can't have come.
    """
    if call.view.unit:
        return Usage(units=call.view.units)
    usage = estimated_usage(call.body_bytes, output_chars)
    if attempt.hold is None or usage.out_text <= attempt.estimate.out_text:
        return usage
    return replace(usage, out_text=attempt.estimate.out_text)


def _baseline_cost(call: "Call", usage: Usage, duration_us: int) -> NanoUSD | None:
    """Return what the baseline would have cost; 0 for what nobody would ask without us."""
    if call.kind in _OVERHEAD:
        return NanoUSD(0)
    if call.measures is not None:
        usage = call.measures.without(usage)
    return priced(usage, _route(call).baseline.price, duration_us, call.view.unit)


def _token_price(price: Price, unit: str) -> int:
    """Return what a call is billed by where it isn't by units: a rerank writes no tokens."""
    return price.in_uncached if unit == Unit.SEARCH else price.out_text


def _route(call: "Call") -> "Route":
    if call.route is None:
        msg = "an attempt has a route"
        raise AssertionError(msg)
    return call.route


def _input_bound(call: "Call", deployment: "Deployment") -> int:
    """Return the most tokens that a call may be charged for as its input.

    Raises:
        NotAccountable: it has documents, and nothing is known to bound them.
    """
    view = call.view
    if not view.needs & DOCUMENTS:
        return input_tokens_bound(call.body_bytes, view.image_count, deployment.image_tokens)
    if not deployment.ability.context_tokens:
        msg = (
            f"Deployment {deployment.name!r} has no known context, which alone bounds what a "
            "document may cost, so this call can't be held against the key's budget: say "
            "capabilities.context_tokens."
        )
        raise NotAccountable(msg)
    return deployment.ability.context_tokens


def _tags(call: "Call", principal: "Principal") -> dict[str, str]:
    """Return the key's tags with what the attempt was for, where that isn't a caller's answer."""
    if not (call.degraded or call.purpose):
        return principal.tags
    more = {"degraded": call.degraded, "purpose": call.purpose}
    return {**principal.tags, **{name: value for name, value in more.items() if value}}

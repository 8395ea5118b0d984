"""Invents requests: the records that a worker would have written to the journal for them."""

import random
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from legato.app.sample.company import (
    APPLICATIONS,
    BLOCKED,
    CALLS_PER_DAY,
    DAYS,
    FAILS,
    ORG,
    OUTAGE,
    REDACTED,
    SPIKE,
    SPIKING,
    USERS,
    Application,
)
from legato.core.clock import ManualClock
from legato.core.config import Config
from legato.core.decisions import FAILS_OVER, OK, OPENED, Decision, Step
from legato.core.guard_facts import Fired, Guarded
from legato.core.ids import IdSource
from legato.core.price import Price
from legato.core.records import EntryKind, Facts, Record, Served, Settled
from legato.core.usage import NO_USAGE, Usage, UsageSource
from legato.economics.cost import cost as cost_of
from legato.economics.waterfall import NO_STEPS, Prices, waterfall

_NS_PER_S: Final = 1_000_000_000
_DAY_S: Final = 86_400
_BY_HOUR: Final = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 13, 16, 18, 17, 14, 9, 6, 4, 3, 2, 2, 1)
"""How much is asked in each hour (UTC)."""
_WEEKEND: Final = 0.35
_MS_PER_TOKEN: Final = {"small": 2, "middle": 4, "large": 7}


class World(NamedTuple):
    """What a request is written down with."""

    config: Config
    version: str
    """The configuration's content hash."""
    prices: Mapping[str, Price]
    keys: Mapping[str, str]
    """Ids by name."""


def requests(world: World, now_ns: int, seed: int) -> Iterator[list[Record]]:
    """Yield the records of each request, oldest first, none of the future."""
    chance = random.Random(seed)  # noqa: S311 - invented figures, no secrets
    today = now_ns // _NS_PER_S // _DAY_S
    for ago in range(DAYS, -1, -1):
        day = today - ago
        for at_ns, application in sorted(_of_day(day, ago, chance), key=lambda one: one[0]):
            if at_ns < now_ns:
                fails = chance.random() < (OUTAGE[1] if ago == OUTAGE[0] else FAILS)
                yield _Request(world, application, at_ns, chance, fails=fails).records()


def _of_day(day: int, ago: int, chance: random.Random) -> Iterator[tuple[int, Application]]:
    weekend = (day + 3) % 7 >= 5  # noqa: PLR2004 - 1970-01-01 was a Thursday
    growth = 1 + 0.5 * (DAYS - ago) / DAYS
    for application in APPLICATIONS:
        calls = CALLS_PER_DAY * application.share * growth * chance.uniform(0.85, 1.15)
        calls *= _WEEKEND if weekend else 1
        if ago == SPIKE[0] and application.feature == SPIKING:
            calls *= SPIKE[1]
        for _ in range(round(calls)):
            hour = chance.choices(range(24), _BY_HOUR)[0]
            second = day * _DAY_S + hour * 3_600 + chance.uniform(0, 3_600)
            yield int(second * _NS_PER_S), application


class _Request:
    def __init__(
        self,
        world: World,
        made_for: Application,
        at_ns: int,
        chance: random.Random,
        *,
        fails: bool,
    ) -> None:
        self.world, self.app, self.at_ns, self.chance = world, made_for, at_ns, chance
        ids = IdSource(ManualClock(at_ns), chance.getrandbits)
        self.id = ids.new()
        self.run = ids.new() if made_for.workflow else ""
        self.user = f"sample-user-{chance.randrange(USERS):02d}"
        self.fails = fails
        self.deployment = chance.choices(
            [name for name, _ in made_for.models], [share for _, share in made_for.models]
        )[0]
        given = max(20, int(chance.lognormvariate(0, 0.5) * made_for.input_tokens))
        written = max(8, int(chance.lognormvariate(0, 0.5) * made_for.output_tokens))
        read = int(given * chance.uniform(0.3, 0.7)) if self.deployment == "large" else 0
        self.usage = Usage(in_uncached=given - read, cache_read=read, out_text=written)
        self.took_us = (350 + written * _MS_PER_TOKEN[self.deployment]) * 1_000

    def records(self) -> list[Record]:
        """Return its entries, and what the trace store keeps of it."""
        if self.chance.random() < BLOCKED:
            return [self._served(0, 4_000, refused=True)]
        if self.chance.random() < self.app.repeated:
            return [self._hit(), self._served(0, 6_000, cache="hit")]
        entries: list[Record] = []
        if self.fails:
            entries.append(self._failed())
            self.deployment = "middle" if self.deployment == "large" else "large"
        answered = self._answered(len(entries) + 1)
        return [*entries, answered, self._served(answered.cost or 0, answered.total_us)]

    def _hit(self) -> Settled:
        saved = cost_of(self.usage, self.world.prices["large"])
        return self._settled(0, EntryKind.CACHE, (0, saved), 6_000)

    def _failed(self) -> Settled:
        failed = self._settled(1, EntryKind.RETRY, (0, 0), 900_000)
        return replace(failed, usage=NO_USAGE, status="provider_unavailable", http_status=503)

    def _answered(self, attempt: int) -> Settled:
        own, baseline = self.world.prices[self.deployment], self.world.prices["large"]
        cost = cost_of(self.usage, own)
        steps = waterfall(self.usage, Prices(baseline, own, own))
        amounts = (cost, cost + sum(steps))
        settled = self._settled(attempt, EntryKind.USAGE, amounts, self.took_us)
        return settled if steps == NO_STEPS else replace(settled, steps=tuple(steps))

    def _settled(
        self,
        attempt: int,
        kind: EntryKind,
        amounts: tuple[int, int],
        total_us: int,
    ) -> Settled:
        cached = kind is EntryKind.CACHE
        return Settled(
            facts=self._facts(attempt),
            kind=kind,
            at_ns=self.at_ns + total_us * 1_000,
            usage=self.usage,
            usage_source=UsageSource.CACHE if cached else UsageSource.PROVIDER,
            cost=amounts[0],
            baseline_cost=amounts[1],
            model_served=f"sample-{self.deployment}",
            status="ok",
            http_status=0 if cached else 200,
            total_us=total_us,
            first_token_us=total_us // 5,
            gateway_us=min(total_us, 4_000),
        )

    def _facts(self, attempt: int) -> Facts:
        placed = {one.name: one for one in self.world.config.deployments}[self.deployment]
        run = {"workflow": self.app.workflow, "run": self.run} if self.app.workflow else {}
        return Facts(
            request_id=self.id,
            attempt=attempt,
            org=ORG,
            team=self.app.team,
            feature=self.app.feature,
            key_id=self.world.keys[self.app.key],
            user=self.user,
            tags=run,
            model_requested=self.app.route,
            route=self.app.route,
            deployment=self.deployment,
            provider=placed.provider,
            model=placed.model,
            region="",
            price_version=self.world.prices[self.deployment].version,
            baseline_model="large",
            config_version=self.world.version,
        )

    def _served(
        self, cost: int, total_us: int, *, cache: str = "miss", refused: bool = False
    ) -> Served:
        attempts = 0 if refused or cache == "hit" else 2 if self.fails else 1
        reached = "" if refused else self.deployment
        placed = {one.name: one.provider for one in self.world.config.deployments}
        call_us = max(0, total_us - 2_500)
        return Served(
            request_id=self.id,
            at_ns=self.at_ns,
            org=ORG,
            team=self.app.team,
            feature=self.app.feature,
            key_id=self.world.keys[self.app.key],
            surface="chat_completions",
            model_requested=self.app.route,
            deployment=reached,
            provider=placed.get(reached, ""),
            model_served=f"sample-{reached}" if reached else "",
            attempts=attempts,
            http_status=400 if refused else 200,
            error_code="input_blocked" if refused else "",
            stream=False,
            cache=cache if not refused else "bypass",
            cost=cost,
            total_us=total_us,
            first_byte_us=total_us // 5,
            upstream_us=call_us if attempts else 0,
            stages=(
                ("authenticate", 150), ("read", 350), ("guard_input", 1_200),
                ("lookup_cache", 300), ("call", call_us if attempts else 0), ("send", 500),
            ),
            trace_id="",
            parent_span_id="",
            sampled=False,
            usage=NO_USAGE if refused else self.usage,
            decision=None if refused else self._decision(attempts),
            guarded=self._guarded(refused=refused),
        )  # fmt: skip

    def _decision(self, attempts: int) -> Decision:
        """Return what says how its calls went, and what the baseline would have cost."""
        failed = Step("small", "provider_unavailable", 503, OPENED | FAILS_OVER)
        steps = (failed,) * (attempts - 1) + (Step(self.deployment, OK, 200, OPENED),) * bool(
            attempts
        )
        return Decision(
            "", self.world.version, self.user, "chat", 0, 0, 0, None, 1, "", 0, steps, (), (), -1,
            0, 0, cost_of(self.usage, self.world.prices["large"]),
        )  # fmt: skip

    def _guarded(self, *, refused: bool) -> Guarded:
        fired: tuple[Fired, ...] = ()
        policy = f"guardrail/company@{self.world.version[:12]}"
        if refused:
            fired = (Fired(policy, "cards", "CREDIT_CARD", "block", "enforce", "input", 1),)
        elif self.chance.random() < REDACTED:
            fired = (Fired(policy, "mail", "EMAIL_ADDRESS", "redact", "enforce", "input", 1),)
        return Guarded((policy,), fired, done=fired[0].action if fired else "")

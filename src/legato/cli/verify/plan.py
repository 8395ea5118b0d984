"""What a run will do, and the most it can cost: known before anything is sent."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from legato.app.prices.pricing import PricedDeployment
from legato.cli.verify import chat, vectors
from legato.cli.verify.check import Check
from legato.cli.verify.subject import Facts
from legato.core.config import Capabilities, Deployment
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import ConfigInvalid
from legato.core.money import NanoUSD
from legato.core.usage import Unit
from legato.economics.cost import upper_bound
from legato.routing.ability import capabilities_in_force

OUTPUT_TOKENS = 256
REASONING_TOKENS = 2_048
"""For models known to reason: their thoughts count as output."""
_US_PER_S = 1_000_000
_MEDIA = frozenset({Unit.IMAGE, Unit.CHARACTER, Unit.AUDIO_MS})


class Work(StrEnum):
    """What a deployment is asked for."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    RERANK = "rerank"

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks of it, in order."""
        if self is Work.CHAT:
            return chat.CHECKS
        return vectors.EMBEDDINGS if self is Work.EMBEDDINGS else vectors.RERANK


class Planned(msgspec.Struct, frozen=True):
    """One deployment and what it will be asked."""

    facts: Facts
    work: Work
    timeout_s: float

    @property
    def calls_max(self) -> int:
        """The most calls that are made."""
        return sum(len(check.bodies) for check in self._asked())

    @property
    def input_tokens_max(self) -> int:
        """The most tokens that all calls can read."""
        return sum(check.input_tokens_max for check in self._billed())

    @property
    def output_tokens_max(self) -> int:
        """The most tokens that all calls can write."""
        writing = sum(len(check.bodies) for check in self._billed() if check.writes)
        return writing * self.facts.output_tokens_max

    @property
    def call_tokens_max(self) -> int:
        """The most tokens that one call can write."""
        writes = any(check.writes for check in self._billed())
        return self.facts.output_tokens_max if writes else 0

    @property
    def cost_max(self) -> NanoUSD | None:
        """The most that all calls can cost; None where there is no price."""
        if self.facts.price is None:
            return None
        calls = sum(len(check.bodies) for check in self._billed())
        return upper_bound(
            self.facts.price,
            input_tokens=self.input_tokens_max,
            output_tokens=self.output_tokens_max,
            duration_us=int(calls * self.timeout_s * _US_PER_S),
            units=calls if self.work is Work.RERANK else 0,
        )

    def _asked(self) -> Iterator[Check]:
        for check in self.work.checks:
            if not check.needs or self.facts.can(check.needs) is not False:
                yield check

    def _billed(self) -> Iterator[Check]:
        return (check for check in self._asked() if not check.free)


def plan(
    provider: ProviderConfig,
    deployments: Sequence[Deployment],
    prices: Sequence[PricedDeployment],
    *,
    named: str | None,
    output_tokens: int | None,
    timeout_s: float,
) -> list[Planned]:
    """Return the deployment named, or the first one of each kind of work.

    Raises:
        ConfigInvalid: the provider has no such deployment, or none that can be asked here.
    """
    own = [deployment for deployment in deployments if deployment.provider == provider.name]
    chosen = own if named is None else [one for one in own if one.name == named]
    if not chosen:
        known = f"it has: {', '.join(one.name for one in own)}" if own else "it has none: add one"
        raise ConfigInvalid(f"provider {provider.name!r} has no deployment {named or ''}; {known}")
    priced = {row.deployment: row for row in prices}
    found: dict[Work, Planned] = {}
    for deployment in chosen:
        capabilities = capabilities_in_force(deployment, provider.kind)
        row = priced[deployment.name]
        work = _work(capabilities, row)
        if work is None or work in found:
            continue
        bound = output_tokens or _bound(capabilities)
        facts = Facts(
            deployment.name,
            provider.name,
            provider.kind,
            deployment.model,
            capabilities,
            row.price,
            row.reason,
            bound,
        )
        found[work] = Planned(facts, work, timeout_s)
    if not found:
        names = ", ".join(one.name for one in chosen)
        raise ConfigInvalid(f"{names}: only chat, embeddings and reranking can be verified")
    return list(found.values())


def _work(capabilities: Capabilities, row: PricedDeployment) -> Work | None:
    if capabilities.embeddings:
        return Work.EMBEDDINGS
    if capabilities.rerank or (row.price is not None and row.price.unit == Unit.SEARCH):
        return Work.RERANK
    media = row.price is not None and row.price.unit in _MEDIA
    return None if media or capabilities.chat is False else Work.CHAT


def _bound(capabilities: Capabilities) -> int:
    wanted = REASONING_TOKENS if capabilities.reasoning else OUTPUT_TOKENS
    return min(wanted, capabilities.output_tokens_max or wanted)

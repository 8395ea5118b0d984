"""A run: the checks of each deployment, one after the other."""

from collections.abc import Sequence

import msgspec

from legato.app.desks.one_provider import OneProvider
from legato.app.models.catalogue import build_provider
from legato.app.models.upstream import transport_to
from legato.app.models.waits import changed, transport_timeouts
from legato.cli.verify.check import Result, carry_out
from legato.cli.verify.line import Line
from legato.cli.verify.plan import Planned
from legato.cli.verify.subject import Subject
from legato.core.money import NanoUSD
from legato.core.usage import Usage
from legato.economics.cost import priced
from legato.providers.base import ProviderSettings
from legato.providers.transport import Transport


class Verified(msgspec.Struct, frozen=True):
    """A deployment with what became of its checks."""

    planned: Planned
    results: list[Result]
    calls: int

    def usage(self, results: Sequence[Result]) -> tuple[int, int]:
        """Return the tokens read and written that some results report."""
        used = [one.usage or Usage() for result in results for one in result.spent]
        return sum(one.input_tokens for one in used), sum(one.output_tokens for one in used)

    def cost(self, results: Sequence[Result]) -> NanoUSD | None:
        """Return what the calls of some results cost; None where one can't be priced."""
        price, total = self.planned.facts.price, 0
        for spent in (one for result in results for one in result.spent):
            if spent.usage is None:
                return None
            amount = priced(spent.usage, price, spent.duration_us, spent.unit)
            if amount is None:
                return None
            total += amount
        return NanoUSD(total)


async def verify(
    one: OneProvider, settings: ProviderSettings, planned: Sequence[Planned], timeout_s: float
) -> list[Verified]:
    """Carry out every check of every deployment.

    Where the provider refuses the key nothing more is sent.

    Raises:
        ConfigInvalid: the provider's settings are wrong.
    """
    provider = build_provider(settings)
    waits = changed(one.instance.loaded.config.timeouts, one.config.timeouts)

    def connect() -> Transport:
        timeouts = transport_timeouts(waits)
        return transport_to(one.config, provider.base_url, timeouts, one.egress)

    line = Line(provider, connect, timeout_s)
    return [await _verify(line, each) for each in planned]


async def _verify(line: Line, planned: Planned) -> Verified:
    subject, before = Subject(planned.facts, line), line.calls
    results: list[Result] = []
    for check in planned.work.checks:
        results.append(await carry_out(check, subject, results))
    return Verified(planned, results, line.calls - before)

"""Which price each deployment has: the operator's, else the price book's, else none."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from legato.app.config.provider_kinds import plugin_kinds
from legato.app.programs.managed import MANAGED_KINDS
from legato.core.config import Config, Deployment, Provider
from legato.core.errors import ConfigInvalid
from legato.core.price import Price
from legato.economics.batch_price import read_factor, reduced
from legato.economics.configured import configured_price
from legato.economics.price_book import REMEDY, PriceAnswer, PriceQuestion
from legato.providers.base import ProviderSettings

log = logging.getLogger(__name__)

Ask = Callable[[Collection[PriceQuestion]], Mapping[PriceQuestion, PriceAnswer]]
_MACHINE_REMEDY = (
    "The model runs here, so no vendor has a price for it: set price.machine_hour_usd, or "
    'price.input_per_mtok: "0" where it shall count as free.'
)


class PricedDeployment(msgspec.Struct, frozen=True):
    """A deployment and the price in force, or why there is none."""

    deployment: str
    provider: str
    model: str
    price: Price | None
    matched: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    until: str = ""
    batch: Price | None = None
    """Of batches that the provider runs; the usual price where no other is known."""
    batch_reduced: bool = False


def priced_deployments(config: Config, ask: Ask) -> list[PricedDeployment]:
    """Return every deployment in the configuration's order; `ask` gets what it leaves open."""
    providers = {provider.name: provider for provider in config.providers}
    configured = {
        deployment.name: configured_price(
            deployment, simulated=providers[deployment.provider].kind == "simulated"
        )
        for deployment in config.deployments
    }
    questions = {
        deployment.name: PriceQuestion(deployment.model, address_of(providers[deployment.provider]))
        for deployment in config.deployments
        if configured[deployment.name] is None
        and providers[deployment.provider].kind not in MANAGED_KINDS
    }
    answers = ask(set(questions.values())) if questions else {}

    def row(deployment: Deployment) -> PricedDeployment:
        name = deployment.name
        price = configured[name]
        if price is not None:
            answer = PriceAnswer(price)
        elif name in questions:
            answer = answers[questions[name]]
        else:
            answer = PriceAnswer(reason=_MACHINE_REMEDY)
        factor, batch = deployment.batch.price_factor, answer.batch
        if answer.price is not None and factor is not None:
            batch = reduced(answer.price, read_factor(factor))
        return PricedDeployment(
            name,
            deployment.provider,
            deployment.model,
            answer.price,
            answer.matched,
            answer.reason,
            answer.notes,
            answer.until,
            batch or answer.price,
            batch is not None,
        )

    return [row(deployment) for deployment in config.deployments]


def prices_of(rows: Sequence[PricedDeployment]) -> dict[str, Price | None]:
    """Return the price in force by deployment; None is unpriced, never zero."""
    return {row.deployment: row.price for row in rows}


def batch_prices_of(config: Config, rows: Sequence[PricedDeployment]) -> dict[str, Price | None]:
    """Return the price of native batches by deployment, of those that have the lane.

    Where no batch price is known it is the usual one, and the log says so.
    """
    native = {one.name for one in config.deployments if one.batch.lane == "native"}
    for row in rows:
        if row.deployment in native and row.price is not None and not row.batch_reduced:
            log.warning(
                "native batches are charged at the full price: no batch price is known",
                extra={
                    "deployment": row.deployment,
                    "remedy": "Set the deployment's batch.price_factor.",
                },
            )
    return {row.deployment: row.batch for row in rows if row.deployment in native}


def raise_alarm(rows: Sequence[PricedDeployment]) -> None:
    """Log what calls will have no known cost, and what a price leaves out or loses soon."""
    for row in rows:
        if row.price is None:
            log.warning(
                "deployment is unpriced: its calls are counted, their cost is unknown",
                extra={"deployment": row.deployment, "model": row.model, "remedy": row.reason},
            )
            continue
        if row.notes:
            log.info(
                "price has limits",
                extra={"deployment": row.deployment, "notes": "; ".join(row.notes)},
            )
        if row.until:
            log.warning(
                "price changes soon: restart on that day",
                extra={"deployment": row.deployment, "until": row.until},
            )


def address_of(provider: Provider) -> str:
    """Return where the provider is, asking its kind where the configuration does not say.

    Scheme, host and path alone: a password in an address must not reach the price book's file.
    """
    parts = urlsplit(provider.base_url or _own_address(provider))
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}" if parts.hostname else ""


def _own_address(provider: Provider) -> str:
    entry = plugin_kinds().get(provider.kind)
    if entry is None:
        return ""
    try:
        address: str = entry.load()(ProviderSettings(provider, "")).base_url
    except ConfigInvalid:
        return ""  # the worker says so when it opens the provider
    return address


def unanswered(questions: Collection[PriceQuestion], why: str) -> dict[PriceQuestion, PriceAnswer]:
    """Return an unpriced answer to each question: the price book failed, nothing else did."""
    return dict.fromkeys(questions, PriceAnswer(reason=f"{why} {REMEDY}"))

"""Raises proposals of prices that the price book has changed, in the ledger process."""

import logging
import threading
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from legato.app.context import ProcessContext
from legato.app.models.vaults import open_data_keys
from legato.app.prices.price_book import PriceBook
from legato.app.prices.pricing import PricedDeployment, priced_deployments
from legato.app.startup import read_live
from legato.core.clock import Clock, SystemClock
from legato.core.config import Config, TokenPrice
from legato.core.errors import StorageUnavailable
from legato.core.ids import IdSource
from legato.core.money import exact_usd, usd_per_mtok
from legato.core.price import Price, same_charges
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.registry.models import merged
from legato.replay.vendor import Consequence, Fact, consequence
from legato.storage.data_keys import DataKeyTable
from legato.storage.ledger.charged import ChargedPrices
from legato.storage.ledger.prices import PriceStore
from legato.storage.registry.models import RegistryModels
from legato.storage.registry.proposals import NewProposal, ProposalStore
from legato.vault.envelope import Envelopes

log = logging.getLogger(__name__)

_DIGEST_BYTES: Final = 16
_FIRST_AFTER_S: Final = 1.0
_EVERY_S: Final = 86_400.0
_AGAIN_AFTER_S: Final = 60.0
_BACK_NS: Final = 7 * 86_400_000_000_000
_BATCH: Final = ", batch"
_ACTOR: Final = "legato"


class PriceChanges:
    """Looks for prices that differ from those in force before; blocking.

    No traffic is run again here: that is done when somebody looks at the proposal.
    """

    def __init__(self, context: ProcessContext, clock: Clock) -> None:
        self._context = context
        self._clock = clock
        self._engine = context.engine
        self._prices = PriceStore(self._engine, clock)

    def look(self) -> None:
        """Raise a proposal of each changed price, in each organisation that was charged another.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        config = self._config()
        book = PriceBook(self._context.data.cache, self._clock)
        for row in priced_deployments(config, book.ask):
            if row.price is not None and row.matched and not row.price.unit:
                self._compare(row, row.price, config)

    def _config(self) -> Config:
        """Return the file's with what is live in the registry."""
        loaded = self._context.loaded
        data_keys = open_data_keys(loaded, self._context.data, DataKeyTable(self._engine))
        models = RegistryModels(self._engine, loaded.config.registry.environment)
        return merged(loaded.config, read_live(models, Envelopes(data_keys)))

    def _compare(self, row: PricedDeployment, price: Price, config: Config) -> None:
        now_ns, history = self._clock.now_ns(), self._prices.history(row.deployment)
        since_ns = min((at for at, one in history if same_charges(one, price)), default=now_ns)
        if since_ns <= now_ns - _BACK_NS:  # the usual case reads nothing of the ledger
            return
        charged = ChargedPrices(self._engine, EVERY_TENANT).between(
            row.deployment, row.model, since_ns - _BACK_NS, since_ns
        )
        usual = {one.version: one for _, one in history if _BATCH not in one.source}
        for org, versions in charged.items():
            before = _last(usual, versions)
            if before is not None and not same_charges(before, price):
                self._raise(org, row.deployment, (before, price), config)

    def _raise(
        self, org: str, deployment: str, prices: tuple[Price, Price], config: Config
    ) -> None:
        before, after = prices
        written = as_written(after)
        fact = Fact(kind="price", deployment=deployment, source=after.source, price=written)
        told = (
            f"Calls of {deployment} were charged at {_told(before)}, {after.source} has "
            f"{_told(after)}. `legato proposals show` works out what that changes."
        )
        new = new_proposal(fact, consequence(fact, config), None, told)
        store = ProposalStore(self._engine, self._clock, IdSource(self._clock), Tenant(org))
        made = store.raised(new, _ACTOR)
        if made is not None:
            log.warning(
                "the price book has another price: a proposal says what it changes",
                extra={"org": org, "deployment": deployment, "proposal": made.id},
            )


def watch_prices(context: ProcessContext, stop: threading.Event) -> None:
    """Look once after the start, then once a day; what went wrong is tried again."""
    changes, wait_s = PriceChanges(context, SystemClock()), _FIRST_AFTER_S
    while not stop.wait(wait_s):
        wait_s = _EVERY_S
        try:
            changes.look()
        except StorageUnavailable as error:
            log.info("changed prices wait for the database", extra={"reason": error.message})
            wait_s = _AGAIN_AFTER_S
        except Exception:  # a defect must not end the watch, nor the ledger process
            log.exception("changed prices can't be looked for")


def new_proposal(fact: Fact, found: Consequence, figures: str | None, told: str) -> NewProposal:
    """Return a proposal of a fact; where it can be read is no part of which fact it is."""
    encoded = msgspec.json.encode(fact, order="sorted")
    same = msgspec.to_builtins(fact) | {"source": ""}
    return NewProposal(
        blake2b(msgspec.json.encode(same, order="sorted"), digest_size=_DIGEST_BYTES).hexdigest(),
        fact.kind,
        fact.deployment,
        encoded.decode(),
        msgspec.json.encode(found.changes).decode(),
        figures,
        told,
    )


def as_written(price: Price) -> TokenPrice:
    """Return a price as a configuration writes it."""
    return TokenPrice(
        input_per_mtok=usd_per_mtok(price.in_uncached),
        output_per_mtok=usd_per_mtok(price.out_text),
        cache_read_per_mtok=usd_per_mtok(price.cache_read),
        cache_write_5m_per_mtok=usd_per_mtok(price.cache_write_5m),
        cache_write_1h_per_mtok=usd_per_mtok(price.cache_write_1h),
        reasoning_per_mtok=usd_per_mtok(price.reasoning),
        audio_in_per_mtok=usd_per_mtok(price.audio_in),
        audio_out_per_mtok=usd_per_mtok(price.audio_out),
        image_in_per_mtok=usd_per_mtok(price.image_in),
        image_out_per_mtok=usd_per_mtok(price.image_out),
        machine_hour_usd=exact_usd(price.machine_hour) if price.machine_hour else None,
    )


def _last(usual: Mapping[str, Price], versions: Sequence[str]) -> Price | None:
    """Return the price charged last; those of batches are others on purpose."""
    known = [usual[version] for version in versions if version in usual]
    return known[-1] if known else None


def _told(price: Price) -> str:
    entered, written = usd_per_mtok(price.in_uncached), usd_per_mtok(price.out_text)
    return f"${entered} in and ${written} out per million tokens"

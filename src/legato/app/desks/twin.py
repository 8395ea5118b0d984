"""Runs the digital twin over an instance: its configuration, its ledger, or a file of traffic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.desks.twin_scenario import load_scenario
from legato.app.models.vaults import open_data_keys
from legato.app.prices.price_book import PriceBook
from legato.app.prices.pricing import priced_deployments, prices_of
from legato.app.startup import read_live
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.errors import OperatorError
from legato.core.money import amount
from legato.core.price import Price
from legato.core.principal import BudgetLimit, Window
from legato.core.tenant import Tenant
from legato.registry.models import Live, merged
from legato.replay.twin.building import Known
from legato.replay.twin.ledger_traffic import LedgerTraffic, read_ledger
from legato.replay.twin.report import Report
from legato.replay.twin.running import Source, run_scenario
from legato.replay.twin.scenario import Scenario, Traffic
from legato.replay.twin.times import before_ns, time_ns
from legato.replay.twin.trace_files import Owner, read_requests
from legato.replay.twin.world import KeyRules
from legato.storage.database.windows import window_bounds
from legato.storage.ledger.entries import EntryFilter
from legato.storage.tenants.key_records import KeyRecord
from legato.vault.envelope import Envelopes


class Twin:
    """One instance's twin. `stored` is None where nothing has been stored yet."""

    def __init__(self, instance: Instance, stored: StoredData | None, clock: Clock) -> None:
        self._instance = instance
        self._stored = stored
        self._clock = clock
        self.config = instance.loaded.config
        """With what is live in the registry."""
        if stored is not None:
            self.config = merged(self.config, live_models(instance, stored))

    def run(self, file: Path) -> Report:
        """Run a scenario.

        Raises:
            ConfigProblems: the scenario has problems.
            InvalidRequest: the traffic can't be used, or something is known of no deployment.
            OperatorError: a file of traffic can't be read.
            StorageUnavailable: the database does not answer.
        """
        config = self.config
        records = [] if self._stored is None else self._stored.keys().list()
        names = {one.spec.name for one in records} | {one.name for one in config.keys}
        return self.run_loaded(load_scenario(file, config, names))

    def run_loaded(self, scenario: Scenario) -> Report:
        """Run a scenario that has been checked. Raises what `run` does but ConfigProblems."""
        config, traffic = self.config, scenario.traffic
        prices = self.prices()
        ledger = self._ledger(traffic, scenario.seed)
        if traffic.file is None and ledger is not None:
            started_ns = ledger.started_ns
            source = Source(
                f"ledger of {traffic.org}", ledger.requests, ledger, self._cost(traffic)
            )
        else:
            source, started_ns = self._file(traffic)
        known = Known(
            config,
            prices,
            {} if ledger is None else ledger.stamped,
            {} if ledger is None else ledger.samples,
            {} if ledger is None or traffic.file else ledger.failures,
            self._keys(config, traffic.org, started_ns),
            started_ns,
        )
        return run_scenario(scenario, known, source)

    def prices(self) -> dict[str, Price | None]:
        """Return what each deployment would charge if Legato were started now."""
        book = PriceBook(self._instance.data.cache, self._clock)
        return prices_of(priced_deployments(self.config, book.ask))

    def ledger(self, traffic: Traffic) -> LedgerTraffic | None:
        """Return the requests of a period of the ledger. Raises what `run` does."""
        return self._ledger(traffic, 1)

    def _ledger(self, traffic: Traffic, seed: int) -> LedgerTraffic | None:
        """Return the ledger's traffic; beside a file, for how long its deployments take."""
        if self._stored is None:
            if traffic.file is None:
                msg = "nothing is stored here yet: name a `file` of traffic, or the data directory"
                raise OperatorError(msg)
            return None
        tenant = Tenant(traffic.org)
        reader, prices = self._stored.tenant_entries(tenant), self._stored.prices()
        if traffic.file is None:
            return read_ledger(reader, prices, self._filter(traffic), seed)
        if not reader.tail(1):
            return None
        return read_ledger(reader, prices, EntryFilter(), seed)

    def _filter(self, traffic: Traffic) -> EntryFilter:
        now_ns = self._clock.now_ns()
        since, until = traffic.since, traffic.until
        return EntryFilter(
            since_ns=None if since is None else before_ns(since, now_ns),
            until_ns=now_ns if until is None else before_ns(until, now_ns),
            team=traffic.team,
            feature=traffic.feature,
            route=traffic.route,
        )

    def _cost(self, traffic: Traffic) -> int:
        if self._stored is None:
            raise AssertionError("the ledger's traffic has a ledger")
        sums = self._stored.tenant_sums(Tenant(traffic.org))
        return sums.total(self._filter(traffic)).cost

    def _file(self, traffic: Traffic) -> tuple[Source, int]:
        file = Path(traffic.file or "")
        owner = Owner(
            traffic.org,
            traffic.team or "",
            traffic.feature or "",
            traffic.key or "",
            traffic.route or "",
        )
        requests, first_ns = read_requests(file, traffic.format or "", owner, _declared_id)
        if traffic.started is not None:
            first_ns = time_ns(traffic.started)
        if first_ns is None:
            first_ns = self._clock.now_ns()
        return Source(f"{traffic.format} file {file.name}", requests), first_ns

    def _keys(self, config: Config, org: str, started_ns: int) -> dict[str, KeyRules]:
        """Return the rules of keys by id: of stored ones their own, of declared ones their name."""
        found = {
            _declared_id(key.name): KeyRules(
                key.name,
                key.requests_per_minute,
                key.concurrency_max,
                None
                if key.budget is None
                else BudgetLimit(
                    _declared_id(key.name),
                    amount(key.budget.usd),
                    Window(key.budget.window),
                    key.name,
                ),
            )
            for key in config.keys
            if key.org == org
        }
        if self._stored is not None:
            mine = (one for one in self._stored.keys().list() if one.spec.org == org)
            found |= self._stored_rules(mine, started_ns)
        return found

    def _stored_rules(
        self, records: Iterable[KeyRecord], started_ns: int
    ) -> Mapping[str, KeyRules]:
        rules = {}
        for one in records:
            budget = one.spec.budget
            limit = None
            if budget is not None:
                limit = BudgetLimit(one.id, budget.limit, budget.window, one.spec.name)
            made = KeyRules(
                one.spec.name,
                one.spec.requests_per_minute,
                one.spec.concurrency_max,
                limit,
                0 if limit is None else self._spent(one, limit, started_ns),
            )
            rules[one.id] = made
        return rules

    def _spent(self, record: KeyRecord, limit: BudgetLimit, started_ns: int) -> int:
        """Return what the budget's window held when the traffic began."""
        if self._stored is None:
            return 0
        start_ns, _ = window_bounds(limit.window, started_ns)
        wanted = EntryFilter(since_ns=start_ns, until_ns=started_ns, key_id=record.id)
        return self._stored.tenant_sums(Tenant(record.spec.org)).total(wanted).cost


def live_models(instance: Instance, stored: StoredData) -> Sequence[Live]:
    """Return the deployments and routes that are live in the registry, as far as they are readable.

    Raises:
        StorageUnavailable: the database is away.
    """
    models = stored.registry_models(instance.loaded.config.registry.environment)
    data_keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
    return read_live(models, Envelopes(data_keys))


def _declared_id(name: str) -> str:
    """Return what stands for the id of a key that only a file or the configuration names."""
    return f"name:{name}" if name else ""


def started_text(report: Report) -> str:
    """Return when the traffic began, for people."""
    moment = datetime.fromtimestamp(report.traffic.started_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


@contextmanager
def opened_twin(instance: Instance, clock: Clock) -> Iterator[Twin]:
    """Open an instance's twin; one where nothing is stored yet has traffic from files alone.

    Raises:
        OperatorError: what is stored is another version's.
        StorageUnavailable: the database does not answer.
    """
    place = instance.data
    if instance.database_url == place.database_url and not place.database.is_file():
        yield Twin(instance, None, clock)
        return
    with stored_data(instance) as stored:
        yield Twin(instance, stored, clock)

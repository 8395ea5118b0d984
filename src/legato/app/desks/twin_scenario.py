"""Reading a scenario of the digital twin: every problem at once, with its place."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from legato.app.config.problems import ConfigProblems, Path, Problem, suggestion
from legato.app.config.typing_check import check_types, convert
from legato.app.config.yaml_file import read_yaml
from legato.core.config import Config, Deployment
from legato.economics.configured import configured_price
from legato.replay.twin.scenario import (
    Change,
    LatencyChange,
    OutageChange,
    PriceChange,
    RouteChange,
    Scenario,
    Traffic,
)
from legato.replay.twin.times import REMEDY, before_ns, is_moment


def load_scenario(file: FilePath, config: Config, keys: Collection[str]) -> Scenario:
    """Read and check a scenario against the configuration and the names of the keys.

    Raises:
        ConfigProblems: with every problem found.
    """
    tree = read_yaml(file)
    problems = check_types(tree, Scenario)
    if problems:
        raise ConfigProblems(problems, of="scenario")
    scenario: Scenario = convert(tree, Scenario)
    checks = _Checks(scenario, config, tuple(sorted(keys)), tree.place_of)
    checks.run()
    if checks.problems:
        raise ConfigProblems(checks.problems, of="scenario")
    return scenario


@dataclass
class _Checks:
    scenario: Scenario
    config: Config
    keys: tuple[str, ...]
    place_of: Callable[[Path], str]
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> None:
        self._traffic(self.scenario.traffic)
        base = {one.name for one in self.config.deployments}
        known = self._change(self.scenario.base, ("base",), base)
        seen = set[str]()
        for index, candidate in enumerate(self.scenario.candidates):
            path: Path = ("candidates", index)
            if candidate.name in seen:
                self._add((*path, "name"), "is the name of two", "Give each one of its own.")
            seen.add(candidate.name)
            self._change(candidate, path, known)

    def _traffic(self, traffic: Traffic) -> None:
        path: Path = ("traffic",)
        if (traffic.file is None) != (traffic.format is None):
            self._add(path, "`file` and `format` go together", "Give both or neither.")
        if traffic.file is not None:
            if traffic.route is None and traffic.format != "jsonl":
                self._add((*path, "route"), "missing", "Say what a file's requests ask for.")
            self._known((*path, "key"), traffic.key, self.keys)
        for name in ("since", "until", "started"):
            text = getattr(traffic, name)
            if text is not None and not _is_time(text):
                self._add((*path, name), f"`{text}` is no time", REMEDY)

    def _change(self, change: Change, path: Path, known: set[str]) -> set[str]:
        """Check one world's changes; return the deployments there are in it."""
        providers = [one.name for one in self.config.providers]
        for index, added in enumerate(change.deployments):
            place = (*path, "deployments", index)
            self._added(added, place, known, providers)
        names = known | {one.name for one in change.deployments}
        for index, route in enumerate(change.routes):
            self._route(route, (*path, "routes", index), names)
        for index, price in enumerate(change.prices):
            self._price(price, (*path, "prices", index), names)
        for index, outage in enumerate(change.outages):
            self._outage(outage, (*path, "outages", index), names)
        self._latencies(change.latency, (*path, "latency"), names)
        for kind in ("capacity", "tokens"):
            for index, one in enumerate(getattr(change, kind)):
                self._known((*path, kind, index, "deployment"), one.deployment, names)
        for kind in ("budgets", "limits"):
            for index, one in enumerate(getattr(change, kind)):
                self._known((*path, kind, index, "key"), one.key, self.keys)
        return names

    def _added(self, added: Deployment, path: Path, known: set[str], providers: list[str]) -> None:
        if added.name in known:
            remedy = "Change it by `prices`, `latency` and so on, or name the new one otherwise."
            self._add((*path, "name"), f"deployment {added.name!r} is there already", remedy)
        self._known((*path, "provider"), added.provider, providers)
        self._readable_price(added, (*path, "price"))

    def _readable_price(self, deployment: Deployment, path: Path) -> None:
        try:
            configured_price(deployment)
        except ValueError as error:
            self._add(path, str(error), "Mend the price.")

    def _route(self, route: RouteChange, path: Path, names: set[str]) -> None:
        aliases = [one.alias for one in self.config.routes]
        self._known((*path, "alias"), route.alias, aliases)
        for index, name in enumerate(route.deployments or ()):
            self._known((*path, "deployments", index), name, names)
        for name in route.weights:
            self._known((*path, "weights", name), name, names)

    def _price(self, price: PriceChange, path: Path, names: set[str]) -> None:
        self._one_of(price, path, names)
        if (price.price is None) == (price.factor is None):
            self._add(path, "give `price` or `factor`", "Write `factor: 1.2` for 20 % more.")
        if price.price is not None:
            if price.deployment is None:
                self._add(path, "`price` is of one deployment", "Name it, or give a `factor`.")
            else:
                named = Deployment(name="d", provider="p", model="m", price=price.price)
                self._readable_price(named, (*path, "price"))

    def _outage(self, outage: OutageChange, path: Path, names: set[str]) -> None:
        self._one_of(outage, path, names)
        for name in ("start", "end"):
            text = getattr(outage, name)
            if text is not None and not is_moment(text):
                self._add((*path, name), f"`{text}` is no moment", REMEDY)

    def _one_of(self, change: PriceChange | OutageChange, path: Path, names: set[str]) -> None:
        if (change.deployment is None) == (change.provider is None):
            self._add(path, "give `deployment` or `provider`", "Name one of them.")
        self._known((*path, "deployment"), change.deployment, names)
        providers = [one.name for one in self.config.providers]
        self._known((*path, "provider"), change.provider, providers)

    def _latencies(self, changes: list[LatencyChange], path: Path, names: set[str]) -> None:
        copies = {one.deployment for one in changes if one.like is not None}
        for index, one in enumerate(changes):
            place = (*path, index)
            self._known((*place, "deployment"), one.deployment, names)
            self._known((*place, "like"), one.like, names)
            if one.like in copies:
                self._add((*place, "like"), "is itself like another", "Name that other one.")
            given = one.first_token_ms is not None
            if given != (one.per_token_ms is not None) or (given and one.like is not None):
                remedy = "Give first_token_ms with per_token_ms, or `like`, or factors alone."
                self._add(place, "says the times twice, or half of them", remedy)
            most = one.first_token_ms_p95
            if most is not None and (one.first_token_ms is None or most <= one.first_token_ms):
                remedy = "Give a first_token_ms below it."
                self._add((*place, "first_token_ms_p95"), "is not above the median", remedy)

    def _known(self, path: Path, name: str | None, known: Iterable[str]) -> None:
        found = sorted(known)
        if name is not None and name not in found:
            self._add(path, f"there is no {name!r}", suggestion(name, found))

    def _add(self, path: Path, message: str, remedy: str) -> None:
        self.problems.append(Problem(path, self.place_of(path), message, remedy))


def _is_time(text: str) -> bool:
    try:
        before_ns(text, 0)
    except ValueError:
        return False
    return True

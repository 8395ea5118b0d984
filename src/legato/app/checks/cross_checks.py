"""Checks between parts of a configuration: names that must exist, or must not clash."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from legato.app.checks.accounts import problems_of_accounts
from legato.app.checks.audit_exports import problems_of_exports, problems_of_tombstones
from legato.app.checks.cascade_checks import problems_of_cascade
from legato.app.checks.egress import egress_of, host_problem
from legato.app.checks.issuer_checks import problems_of_issuers
from legato.app.checks.limit_store import problems_of_limits
from legato.app.checks.lookups import problems_of_lookups
from legato.app.checks.notification_checks import problems_of_notifications
from legato.app.checks.queue_checks import problems_of_queue
from legato.app.checks.required_terms import REMEDY, RequiredTerms
from legato.app.checks.retention_checks import problems_of_retention
from legato.app.checks.semantic_checks import problems_of_cache
from legato.app.checks.tool_checks import problems_of_tools
from legato.app.checks.trigger_checks import problems_of_triggers
from legato.app.config.problems import Path, Problem, suggestion
from legato.app.config.stored_secrets import problems_of_stores
from legato.core import money
from legato.core.config import Config, Deployment, Key, Provider, Route, Strategy
from legato.core.config_load import STALE_CACHE
from legato.core.config_records import LivePolicy
from legato.core.egress import Egress
from legato.core.errors import ConfigInvalid, InvalidRequest
from legato.core.networks import read_networks
from legato.economics.batch_price import read_factor
from legato.economics.configured import unit_price
from legato.providers.transport.proxy import Proxy
from legato.registry.prompt import MODEL_PREFIX
from legato.registry.routers import router_reference

KINDS_WITH_ADDRESS = frozenset(
    {"anthropic", "bedrock", "cohere", "gemini", "local", "simulated", "vertex"}
)
"""Provider kinds that know their own address, or that the supervisor runs itself."""


def check_names(
    config: Config, place_of: Callable[[Path], str], kinds: Collection[str]
) -> list[Problem]:
    """Return every broken reference, clash and unusable address or price."""
    checks = _Checks(config, place_of, tuple(sorted(kinds)))
    checks.run()
    return checks.problems


@dataclass
class _Checks:
    config: Config
    place_of: Callable[[Path], str]
    kinds: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    _egress: Egress | None = None

    def run(self) -> None:
        config = self.config
        self._egress = self._read_egress()
        otlp = config.telemetry.otlp
        if otlp is not None and self._egress is not None:
            problem = host_problem(otlp.endpoint, self._egress)
            if problem:
                path = ("telemetry", "otlp", "endpoint")
                self._add(path, problem, "Name a host that may be called.")
        self._limits()
        self._sections()
        self._networks(config)
        self._unique("providers", "name", (one.name for one in config.providers))
        self._unique("deployments", "name", (one.name for one in config.deployments))
        self._unique("routes", "alias", (one.alias for one in config.routes))
        self._unique("keys", "name", (one.name for one in config.keys))
        for index, provider in enumerate(config.providers):
            self._provider(provider, ("providers", index))
        for index, deployment in enumerate(config.deployments):
            self._no_prompt(deployment.name, ("deployments", index, "name"))
            self._deployment(deployment, ("deployments", index))
        for index, route in enumerate(config.routes):
            self._no_prompt(route.alias, ("routes", index, "alias"))
            self._route(route, ("routes", index))
            self._semantic(route, ("routes", index, "cache", "semantic"))
            self._summarises(route, ("routes", index, "context"))
        if config.cache.semantic is not None:
            self.problems += problems_of_cache(config, self.place_of)
        for index, key in enumerate(config.keys):
            self._key(key, ("keys", index))
        self._unique("live_scoring", "name", (one.name for one in config.live_scoring))
        for index, policy in enumerate(config.live_scoring):
            self._scorers(policy, ("live_scoring", index))
        self._guardrails()
        if not self.problems:  # what is broken leaves open what a deployment is
            self._required(RequiredTerms(config))
            self._compliance()

    def _limits(self) -> None:
        for path, message, remedy in problems_of_limits(self.config):
            self._add(path, message, remedy)
        for path, message, remedy in problems_of_stores(self.config):
            self._add(path, message, remedy)

    def _networks(self, config: Config) -> None:
        listed: list[tuple[Path, list[str]]] = [
            (("server", "trusted_proxies"), config.server.trusted_proxies)
        ]
        listed += [(("keys", n, "allow_from"), key.allow_from) for n, key in enumerate(config.keys)]
        for path, texts in listed:
            try:
                read_networks(texts, "network")
            except InvalidRequest as error:
                self._add(path, error.message, "Write 10.0.0.0/8, 2001:db8::/32 or one address.")

    def _compliance(self) -> None:
        said = self.config.compliance
        if said.rules or said.frameworks:
            from legato.app.checks.compliance_rules import (  # noqa: PLC0415 - where they are used only
                problems_of_compliance,
            )

            for path, message, remedy in problems_of_compliance(self.config):
                self._add(path, message, remedy)

    def _guardrails(self) -> None:
        said = self.config.guardrails
        if said.policies or said.compliance or said.detectors:
            from legato.app.checks.guardrail_checks import (  # noqa: PLC0415 - where they are used only
                problems_of_guardrails,
            )

            self.problems += problems_of_guardrails(self.config, self.place_of)

    def _scorers(self, policy: LivePolicy, path: Path) -> None:
        from legato.evaluation.scorers.table import (  # noqa: PLC0415 - where it is used only
            read_scorers,
        )

        try:
            labels = [one.label for one in read_scorers(policy.scorers)]
        except InvalidRequest as error:
            self._add((*path, "scorers"), error.message, "Write scorers as suites have them.")
            return
        if policy.feedback is not None and policy.feedback not in labels:
            message = f"no scorer is called `{policy.feedback}`"
            self._add((*path, "feedback"), message, suggestion(policy.feedback, labels))

    def _required(self, terms: RequiredTerms) -> None:
        for index, route in enumerate(self.config.routes):
            message = terms.against_route(route)
            if message:
                self._add(("routes", index, "require"), message, REMEDY)
        for index, key in enumerate(self.config.keys):
            message = terms.against_key(key)
            if message:
                self._add(("keys", index, "require"), message, REMEDY)

    def _read_egress(self) -> Egress | None:
        try:
            return egress_of(self.config)
        except ValueError as error:
            remedy = "Write host names, addresses or networks such as 10.0.0.0/8."
            self._add(("egress", "allow"), str(error), remedy)
            return None

    def _unique(self, section: str, name_field: str, names: Iterable[str]) -> None:
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            if name in first:
                earlier = self.place_of((section, first[name], name_field))
                message = f"`{name}` is taken at {earlier}"
                self._add((section, index, name_field), message, "Give each its own name.")
            first.setdefault(name, index)

    def _provider(self, provider: Provider, path: Path) -> None:
        if provider.kind not in self.kinds:
            message = f"no provider kind `{provider.kind}`"
            self._add((*path, "kind"), message, suggestion(provider.kind, self.kinds))
        elif not (provider.base_url or provider.preset or provider.kind in KINDS_WITH_ADDRESS):
            remedy = "Add base_url, or a preset that knows the address."
            self._add((*path, "base_url"), "missing", remedy)
        if provider.base_url is not None and not _is_http(provider.base_url):
            remedy = "Write it as https://host/v1, without user name, query or fragment."
            self._add((*path, "base_url"), "not an http(s) address", remedy)
        elif provider.base_url is not None and self._egress is not None:
            problem = host_problem(provider.base_url, self._egress)
            if problem:
                self._add((*path, "base_url"), problem, "Name a host that may be called.")
        if provider.proxy is not None:
            try:
                Proxy.parse(provider.proxy)
            except ValueError as error:
                remedy = "Write it as http://[user:password@]host:port."
                self._add((*path, "proxy"), str(error), remedy)

    def _deployment(self, deployment: Deployment, path: Path) -> None:
        known = [provider.name for provider in self.config.providers]
        self._known((*path, "provider"), deployment.provider, known, "provider")
        prices = msgspec.structs.asdict(deployment.price) if deployment.price else {}
        for name, text in prices.items():
            if text is None:
                continue
            try:
                if name.endswith("_per_mtok"):
                    money.price_per_token(text)
                elif name == "machine_hour_usd":
                    money.amount(text)
                else:
                    money.pico_usd(text)
            except ValueError as error:
                remedy = "Dollars, at most 6 decimals per million tokens, 12 per unit."
                self._add((*path, "price", name), str(error), remedy)
        try:
            unit_price(deployment.price)
        except ValueError as error:
            self._add((*path, "price"), str(error), "Keep one of them.")
        if deployment.batch.price_factor is not None:
            try:
                read_factor(deployment.batch.price_factor)
            except ValueError as error:
                remedy = "Leave it out where batches cost as much as other calls."
                self._add((*path, "batch", "price_factor"), str(error), remedy)

    def _route(self, route: Route, path: Path) -> None:
        known = [deployment.name for deployment in self.config.deployments]
        if route.alias in known:
            message = f"`{route.alias}` is also the name of a deployment"
            remedy = "Rename one: a caller names aliases and deployments alike."
            self._add((*path, "alias"), message, remedy)
        seen: set[str] = set()
        for index, name in enumerate(route.deployments):
            at = (*path, "deployments", index)
            self._known(at, name, known, "deployment")
            if name in seen:
                self._add(at, f"`{name}` is listed twice", "List each deployment once.")
            seen.add(name)
        if route.baseline is not None:
            self._known((*path, "baseline"), route.baseline, known, "deployment")
        if route.quality is not None or route.strategy is Strategy.CHEAPEST_GOOD_ENOUGH:
            self._quality(route, path)
        if route.cascade is not None or route.strategy is Strategy.CASCADE:
            named = [one.name for one in self.config.deployments]
            named += [one.alias for one in self.config.routes]
            for at, message, remedy in problems_of_cascade(route, named):
                self._add((*path, *at), message, remedy)
        self._degrade(route, path)
        for at, message, remedy in problems_of_queue(route, self.config):
            self._add((*path, *at), message, remedy)
        if route.rules:
            self._rules(route, (*path, "rules"))

    def _quality(self, route: Route, path: Path) -> None:
        if route.strategy is Strategy.CASCADE and route.quality is not None:
            if route.quality.guarantee is None:
                message = "a cascade asks for no quality but a guarantee"
                self._add((*path, "quality"), message, "Set quality.guarantee, or leave it out.")
        elif route.strategy is not Strategy.CHEAPEST_GOOD_ENOUGH:
            message = f"the strategy `{route.strategy.value}` asks for no quality"
            remedy = f"Write strategy: {Strategy.CHEAPEST_GOOD_ENOUGH.value}, or leave quality out."
            self._add((*path, "quality"), message, remedy)
        elif route.baseline is None or route.baseline not in route.deployments:
            message = "the strategy `cheapest_good_enough` needs one of the route's deployments"
            remedy = "Name the one whose answers are good enough by definition."
            self._add((*path, "baseline"), message, remedy)
        if route.quality is not None and route.quality.router:
            self._router(route.quality.router, (*path, "quality", "router"))
        guarantee = None if route.quality is None else route.quality.guarantee
        if guarantee is not None:
            at = (*path, "quality", "guarantee")
            if guarantee.judge is not None:
                known = [one.name for one in self.config.deployments]
                known += [one.alias for one in self.config.routes]
                self._known((*at, "judge"), guarantee.judge, known, "alias or deployment")
            try:
                money.amount(guarantee.shadow_usd_per_day)
            except ValueError as error:
                self._add((*at, "shadow_usd_per_day"), str(error), "Give a smaller amount.")
        for name in () if route.quality is None else route.quality.expected:
            at = (*path, "quality", "expected", name)
            self._known(at, name, route.deployments, "deployment of this route")

    def _degrade(self, route: Route, path: Path) -> None:
        known = [deployment.name for deployment in self.config.deployments]
        for index, name in enumerate(route.degrade):
            at = (*path, "degrade", index)
            if name in route.deployments:
                message = f"`{name}` is one of the route's deployments: it was tried by then"
                self._add(at, message, "Name another one, or leave it out.")
            elif name != STALE_CACHE:
                self._known(at, name, known, "deployment")
            elif route.cache.stale_s is None:
                message = "how long expired answers are kept is not said"
                self._add(at, message, "Set cache.stale_s of this route.")

    def _router(self, file: str, path: Path) -> None:
        try:
            from legato.app.checks import learned_router  # noqa: PLC0415 - numpy is an extra

            if router_reference(file) is None:
                learned_router.check_router(file)
        except InvalidRequest as error:
            self._add(path, error.message, "Name a router of the registry, or a file.")
        except ImportError as error:
            self._add(path, f"it needs {error.name}", "pip install 'legato[semantic]'")
        except ConfigInvalid as error:
            told = error.message.removeprefix("quality.router: ")
            self._add(path, told, "Train it with `legato route train`.")

    def _rules(self, route: Route, path: Path) -> None:
        from legato.routing.rules.rules import (  # noqa: PLC0415 - where it is used only
            RULES_MAX,
            problems_in,
        )

        if len(route.rules) > RULES_MAX:
            message = f"{len(route.rules)} rules are more than {RULES_MAX}"
            self._add(path, message, "Put conditions together by ||.")
        names: set[str] = set()
        for index, rule in enumerate(route.rules):
            known = [one.name for one in self.config.lookups]
            for name, message, remedy in problems_in(rule, route.deployments, known):
                self._add((*path, index, name), message, remedy)
            if rule.floor is not None and route.strategy is not Strategy.CHEAPEST_GOOD_ENOUGH:
                message = f"the strategy `{route.strategy.value}` has no floor"
                remedy = f"Write strategy: {Strategy.CHEAPEST_GOOD_ENOUGH.value}."
                self._add((*path, index, "floor"), message, remedy)
            if rule.name in names:
                message = f"`{rule.name}` is taken by another rule"
                self._add((*path, index, "name"), message, "Give each its own name.")
            names.add(rule.name)

    def _semantic(self, route: Route, path: Path) -> None:
        said, cache = route.cache.semantic, self.config.cache
        if said is None:
            return
        if cache.semantic is None:
            remedy = "Set it, `{}` is enough, or leave this out."
            self._add(path, "the configuration has no `cache.semantic`", remedy)
        if route.cache.enabled is False or (route.cache.enabled is None and not cache.enabled):
            remedy = "Leave the cache on where questions of the same meaning are to be answered."
            self._add(path, "this route's cache is off", remedy)
        if said.bound_per_hit is not None and said.bound_per_hit < said.bound:
            message = "lower than `bound`, which then says nothing: no request is more than one hit"
            self._add((*path, "bound_per_hit"), message, "Raise it, or lower `bound`.")

    def _summarises(self, route: Route, path: Path) -> None:
        said = route.context
        if said is None or said.summarise is None:
            return
        known = [deployment.name for deployment in self.config.deployments]
        self._known(
            (*path, "summarise", "deployment"), said.summarise.deployment, known, "deployment"
        )
        if said.max_tokens is None:
            message = "nothing is left out without `max_tokens`, so nothing is summarised"
            self._add((*path, "summarise"), message, "Set it.")

    def _key(self, key: Key, path: Path) -> None:
        known = [deployment.name for deployment in self.config.deployments]
        known += [route.alias for route in self.config.routes]
        for index, name in enumerate(key.models):
            if name != "*" and not name.startswith(MODEL_PREFIX):
                self._known((*path, "models", index), name, known, "alias or deployment")
        if key.budget is not None:
            try:
                money.amount(key.budget.usd)
            except ValueError as error:
                self._add((*path, "budget", "usd"), str(error), "Give a smaller budget.")

    def _sections(self) -> None:
        """Look at what has checks of its own."""
        config = self.config
        for index, (name, message, remedy) in problems_of_lookups(config):
            self._add(("lookups", index, name), message, remedy)
        for path, message, remedy in problems_of_tools(config):
            self._add(("tools", *path), message, remedy)
        for path, message, remedy in problems_of_triggers(config):
            self._add(("triggers", *path), message, remedy)
        for accounts_path, message, remedy in problems_of_accounts(config):
            self._add(("accounts", *accounts_path), message, remedy)
        for index, (name, message, remedy) in problems_of_issuers(config):
            self._add(("token_issuers", index, name), message, remedy)
        for index, (where, message, remedy) in problems_of_exports(config):
            self._add(("audit", "export", index, *where), message, remedy)
        for path, message, remedy in problems_of_notifications(config):
            self._add(("notifications", *path), message, remedy)
        for place, message, remedy in problems_of_retention(config):
            self._add(("retention", *place), message, remedy)
        for index, (where, message, remedy) in problems_of_tombstones(config):
            self._add(("tombstones", "copies", index, *where), message, remedy)

    def _no_prompt(self, name: str, path: Path) -> None:
        if name.startswith(MODEL_PREFIX):
            remedy = f"Take another name: callers name prompts as `{MODEL_PREFIX}NAME`."
            self._add(path, f"`{name}` would be a prompt", remedy)

    def _known(self, path: Path, name: str, known: list[str], what: str) -> None:
        if name not in known:
            self._add(path, f"no {what} `{name}`", suggestion(name, known))

    def _add(self, path: Path, message: str, remedy: str) -> None:
        self.problems.append(Problem(path, self.place_of(path), message, remedy))


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain and port != 0

"""Opens an organisation's registry, as the configuration of the instance has it."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from legato.app.checks.guardrail_checks import known_to_policies
from legato.app.checks.trigger_checks import problems_of_named
from legato.app.config.loaded import LoadedConfig
from legato.app.desks.tools import against_naming
from legato.app.models.model_guard import ModelGuard
from legato.core.config import Config
from legato.core.errors import InvalidRequest
from legato.core.registry import Kind, ObjectName
from legato.evaluation.datasets import check_manifest
from legato.evaluation.suites import read_suite
from legato.finance.margin_gate import MarginGates
from legato.governance.ruled_keys import Rules
from legato.registry.checking import check_prompt
from legato.registry.guardrails import check_guardrail
from legato.registry.judges import check_judge
from legato.registry.reading import ContentInvalid, Problem
from legato.registry.registry import Check, References, Registry, Sealing
from legato.registry.routers import check_router
from legato.registry.workflows import check_workflow, read_workflow, references_of
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.reader import RegistryReader

_LISTED_MAX = 20
_NO_PREDICTOR: Final = (
    "model_digest: the predictor {0} isn't in this database, and there is no file {0}.router in "
    "the directory: `legato export` writes it where it was trained, `legato route train --save` "
    "trains one here"
)


class Beside(NamedTuple):
    """What is applied at the same time: deployments and routes by name, predictors by digest."""

    names: frozenset[str] = frozenset()
    predictors: frozenset[str] = frozenset()


ALONE: Final = Beside()


class RegistryAccess:
    """Opens the registries of one instance, for changes in one environment."""

    def __init__(
        self,
        loaded: tuple[LoadedConfig, Rules],
        sealing: Sealing,
        models: ModelGuard,
        *,
        environment: str,
        predictor_kept: Callable[[str, str], bool],
        beside: Beside = ALONE,
        margins: MarginGates | None = None,
    ) -> None:
        """`loaded` is the configuration, and what returns the access rules that hold now.

        `predictor_kept` tells whether an organisation has a predictor, by its digest.

        `beside` is what is applied at the same time.
        """
        self._loaded, self._rules = loaded
        self._sealing = sealing
        self._models = models
        self._environment = environment
        self._predictor_kept = predictor_kept
        self._beside = beside
        self._margins = margins

    def open(self, org: str, stores: tuple[RegistryReader, RegistryChanges]) -> Registry:
        """Return an organisation's registry; nothing is read yet."""
        return Registry(
            org,
            stores,
            self._sealing,
            checks=checks(
                self.callable_names,
                self._loaded.config,
                self._environment,
                lambda digest: (
                    digest in self._beside.predictors or self._predictor_kept(org, digest)
                ),
            ),
            approvals=self._loaded.config.registry.approvals,
            models=self._models,
            margins=None if self._margins is None else partial(self._margins.require, org),
            workflows=Workflows(
                self.callable_names,
                self._loaded.config,
                org,
                against_tool=partial(self.against_tool, org),
            ),
        )

    def against_tool(self, org: str, name: str) -> str:
        """Say why an organisation's definitions can't name a tool, "" where they can."""
        return against_naming(self._loaded.config.tools, self._rules(), org, name)

    def callable_names(self) -> frozenset[str]:
        """Return the names by which models can be called."""
        return self._models.names(self._environment) | self._beside.names


class Workflows:
    """What workflows must be on this instance."""

    def __init__(
        self,
        callable_names: Callable[[], frozenset[str]],
        config: Config,
        org: str,
        *,
        against_tool: Callable[[str], str],
    ) -> None:
        self._callable_names = callable_names
        self._named = partial(problems_of_named, config=config, org=org)
        self._against_tool = against_tool

    def draft(self, content: Any) -> References:
        """Return what a definition names. Raises ContentInvalid: it is none."""
        return references_of(read_workflow(content))

    def active(self, content: Any, exists: Callable[[ObjectName, str], bool]) -> References:
        """Return what one that is to run names. Raises ContentInvalid: it can't run."""
        references = check_workflow(content, self._callable_names, exists, self._against_tool)
        if problems := [Problem(*one) for one in self._named(read_workflow(content))]:
            raise ContentInvalid(Kind.WORKFLOW, problems)
        return references


def checks(
    callable_names: Callable[[], frozenset[str]],
    config: Config,
    environment: str,
    predictor_kept: Callable[[str], bool],
) -> dict[Kind, Check]:
    """Return what each kind's content must be on this instance."""

    def called(name: str, field: str) -> References:
        names = callable_names()
        if name not in names:
            known = ", ".join(sorted(names)[:_LISTED_MAX]) or "none"
            msg = f"{field}: nothing here is called {name!r}; routes and deployments: {known}"
            raise InvalidRequest(msg, param=field)
        return frozenset({("route", name)})

    def prompt(content: Any) -> References:
        return called(check_prompt(content).route, "route")

    def judge(content: Any) -> References:
        return called(check_judge(content).model, "model")

    def guardrail(content: Any) -> References:
        known = replace(
            known_to_policies(config), deployments=callable_names(), environment=environment
        )
        return check_guardrail(content, known)

    def router(content: Any) -> References:
        manifest = check_router(content)
        if not predictor_kept(manifest.model_digest):
            raise InvalidRequest(_NO_PREDICTOR.format(manifest.model_digest), param="model_digest")
        return frozenset(("deployment", name) for name in manifest.deployments)

    return {
        Kind.PROMPT: prompt,
        Kind.JUDGE: judge,
        Kind.DATASET: _dataset,
        Kind.SUITE: _suite,
        Kind.GUARDRAIL: guardrail,
        Kind.ROUTER: router,
    }


def _dataset(content: Any) -> References:
    check_manifest(content)
    return frozenset()


def _suite(content: Any) -> References:
    suite = read_suite(content)
    named = {("prompt", one.partition("@")[0]) for one in suite.prompts}
    named |= {("route", one) for one in suite.models}
    return frozenset({("dataset", suite.dataset.partition("@")[0]), *named})

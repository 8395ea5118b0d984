"""What a run does, with every version pinned: made of a suite when it is started."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_name, selector, shown
from legato.evaluation.datasets import Manifest, check_manifest
from legato.evaluation.judge_pins import JudgePins
from legato.evaluation.suites import Suite
from legato.registry.prompt import MODEL_PREFIX, PromptSpec, read_prompt
from legato.registry.registry import Registry
from legato.registry.workflows import read_workflow, require_runnable
from legato.storage.registry.records import VersionRecord

ANSWERS_MAX: Final = 200_000
"""Of one evaluation: its grid is made of all of them at once."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers: a model, a version of a prompt (by any model), or one of a workflow."""

    label: str
    model: str = ""
    """What calls name: a route, a deployment, `prompt:NAME@DIGEST`."""
    route: str = ""
    """Instead of the prompt's own."""
    version: str = ""
    """As the ledger names the prompt's version."""
    workflow: str = ""
    """NAME@DIGEST of a version that runs, instead of a model."""
    baseline: int | None = None
    """The subject it is compared with."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run's work: every case of the split, every subject, so many times."""

    dataset: str
    digest: str
    cases: int
    """Of the whole data set."""
    split: str
    subjects: tuple[Subject, ...]
    scorers: tuple[dict[str, Any], ...]
    repetitions: int
    concurrency: int
    cache: str
    parameters: dict[str, Any]
    regress_max: float
    asked: int
    """Cases of the split."""
    characters: int
    """Of the whole data set's inputs."""
    erased: int = 0
    """Cases of the split that were erased when the run was started: they are not in `asked`."""
    tools: tuple[str, ...] = ()
    """Which workflows may call."""
    team: str = ""
    feature: str = ""
    """Of the key it acts for."""

    def without(self, erased: int) -> "Plan":
        """Return the plan of a data set some of whose cases were erased. Raises InvalidRequest."""
        if erased >= self.asked:
            msg = "dataset: all of its cases that the suite asks were erased; name another"
            raise InvalidRequest(msg, param="dataset")
        return msgspec.structs.replace(self, asked=self.asked - erased, erased=erased)

    @property
    def answers(self) -> int:
        """How many there are to be."""
        return self.asked * len(self.subjects) * self.repetitions


NO_PLAN: Final = Plan(
    dataset="",
    digest="",
    cases=0,
    split="",
    subjects=(),
    scorers=(),
    repetitions=0,
    concurrency=0,
    cache="",
    parameters={},
    regress_max=0.0,
    asked=0,
    characters=0,
)
"""Stands in a list for one whose key was destroyed."""


class _Found(msgspec.Struct, frozen=True):
    record: VersionRecord
    spec: PromptSpec | None
    """None of a workflow."""

    @property
    def shown(self) -> str:
        return shown(self.record.name, self.record.digest)

    @property
    def pinned(self) -> str:
        return f"{self.record.name.name}@{self.record.digest}"


Prompts = Mapping[str, PromptSpec]
"""The prompts of a plan by their version, as the ledger names it."""


class Planner:
    """Pins what a suite names, in one environment of an organisation's registry."""

    def __init__(self, registry: Registry, environment: str, judges: JudgePins) -> None:
        self._registry = registry
        self._environment = environment
        self._judges = judges

    def plan(self, suite: Suite, against: str = "") -> tuple[Plan, Prompts]:
        """Return what is to be done; `against` is a label each version is compared with.

        Raises:
            NotFound: there is no such version.
            InvalidRequest: naming the field: a version can't be called, or a split is empty.
        """
        dataset, manifest = self._dataset(suite.dataset)
        asked = manifest.splits.get(suite.split, 0) if suite.split else manifest.cases
        if not asked:
            known = ", ".join(sorted(name for name in manifest.splits if name)) or "none"
            msg = f"split: no case is in {suite.split!r}; splits: {known}"
            raise InvalidRequest(msg, param="split")
        found = [
            self._prompt(text, f"prompts[{index}]") for index, text in enumerate(suite.prompts)
        ] + [
            self._workflow(text, f"workflows[{index}]")
            for index, text in enumerate(suite.workflows)
        ]
        subjects = tuple(self._subjects(found, suite, against))
        if against and all(one.baseline is None for one in subjects):
            msg = f"against: every version of the suite is {against} itself; name another label"
            raise InvalidRequest(msg, param="against")
        answers = asked * len(subjects) * suite.repetitions
        if answers > ANSWERS_MAX:
            msg = (
                f"repetitions: {asked} cases, {len(subjects)} subjects and {suite.repetitions} "
                f"repetitions make {answers} answers; one evaluation has up to {ANSWERS_MAX}"
            )
            raise InvalidRequest(msg, param="repetitions")
        return Plan(
            dataset=dataset,
            digest=manifest.cases_digest,
            cases=manifest.cases,
            split=suite.split,
            subjects=subjects,
            scorers=tuple(
                self._judges.pinned(one, f"scorers[{index}]")
                for index, one in enumerate(suite.scorers)
            ),
            repetitions=suite.repetitions,
            concurrency=suite.concurrency,
            cache=suite.cache,
            parameters=suite.parameters,
            regress_max=suite.regress_max,
            asked=asked,
            characters=manifest.characters,
            tools=suite.tools,
        ), {
            one.shown: one.spec
            for one in self._with_baselines(found, against)
            if one.spec is not None
        }

    def _subjects(self, found: list[_Found], suite: Suite, against: str) -> Iterator[Subject]:
        if not found:
            if against:
                msg = "against: compares versions; this suite names only models"
                raise InvalidRequest(msg, param="against")
            yield from (Subject(label=model, model=model) for model in suite.models)
            return
        everyone = self._with_baselines(found, against)
        places = {one.shown: number for number, one in enumerate(everyone)}
        models = suite.models or ("",)
        for one in everyone:
            compared = self._baseline(one, against) if against else None
            baseline = None if compared is None else places[compared.shown]
            for column, model in enumerate(models):
                yield Subject(
                    label=f"{one.shown} on {model}" if model else one.shown,
                    model="" if one.spec is None else f"{MODEL_PREFIX}{one.pinned}",
                    workflow=one.pinned if one.spec is None else "",
                    route=model,
                    version=one.shown,
                    baseline=None if baseline is None else baseline * len(models) + column,
                )

    def _with_baselines(self, found: list[_Found], against: str) -> list[_Found]:
        """Return the suite's versions, and what they are compared with behind them."""
        everyone = list(found)
        for one in found if against else ():
            baseline = self._baseline(one, against)
            if baseline is not None and baseline.shown not in {other.shown for other in everyone}:
                everyone.append(baseline)
        return everyone

    def _baseline(self, one: _Found, against: str) -> _Found | None:
        """Return what a version is compared with, None where it is that itself."""
        find = self._workflow if one.spec is None else self._prompt
        found = find(f"{one.record.name.name}@{against}", "against")
        return None if found.shown == one.shown else found

    def _dataset(self, text: str) -> tuple[str, Manifest]:
        record = self._version(Kind.DATASET, text, "dataset")
        return shown(record.name, record.digest), check_manifest(self._registry.content(record))

    def _prompt(self, text: str, place: str) -> _Found:
        record = self._version(Kind.PROMPT, text.removeprefix(MODEL_PREFIX), place)
        return _Found(record, read_prompt(self._registry.content(record)))

    def _workflow(self, text: str, place: str) -> _Found:
        record = self._version(Kind.WORKFLOW, text, place)
        try:
            require_runnable(read_workflow(self._registry.content(record)))
        except InvalidRequest as error:
            raise InvalidRequest(f"{place}: {error.message}", param=place) from None
        return _Found(record, None)

    def _version(self, kind: Kind, text: str, place: str) -> VersionRecord:
        name, _, version = text.partition("@")
        try:
            wanted = ObjectName(kind, checked_name(name)), selector(version or DEFAULT_LABEL)
        except InvalidRequest as error:
            raise InvalidRequest(f"{place}: {error.message}", param=place) from None
        return self._registry.read.version(*wanted, self._environment)

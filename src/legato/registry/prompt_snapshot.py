"""What a worker knows of prompts at one moment: each version, and which of them who gets."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from legato.core.chat import ChatRequest
from legato.core.decisions import SliceFacts
from legato.core.errors import StorageUnavailable
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.core.registry import CHAMPION, DEFAULT_LABEL, SHADOW
from legato.registry.prompt import MODEL_PREFIX, CompiledPrompt
from legato.routing.assignment import Assignment, Split
from legato.storage.registry.records import LabelledVersion, RunningRollout


class LoadedPrompt(msgspec.Struct, frozen=True, eq=False):
    """One version of a prompt, ready to be rendered."""

    model: str
    """What a key must be allowed to call: `prompt:NAME`."""
    shown: str
    number: int
    digest: str
    compiled: CompiledPrompt | None
    """None where the content could not be opened or compiled."""
    arm: str = ""
    """Of the rollout that chose it: `ID/champion`, `ID/candidate`, or `ID/v3` of several."""
    shadow: "Shadow | None" = None
    """What a copy of the call is sent to."""

    slices: tuple[SliceFacts, ...] = ()
    """How that rollout divides its callers."""

    @property
    def route(self) -> str:
        """The alias or deployment it is sent to. Raises StorageUnavailable."""
        return self._usable().route

    def render(self, given: Mapping[str, Any]) -> ChatRequest:
        """Return it with these variables. Raises InvalidRequest, StorageUnavailable."""
        return self._usable().render(given)

    def _usable(self) -> CompiledPrompt:
        if self.compiled is None:
            msg = f"{self.shown} can't be read; the operator finds the reason in the log"
            raise StorageUnavailable(msg)
        return self.compiled


class Shadow(msgspec.Struct, frozen=True, eq=False):
    """A candidate that answers copies of calls, in the arm `ID/shadow`, and who pays for it."""

    prompt: LoadedPrompt
    budget: BudgetLimit


Versions = Mapping[str, LoadedPrompt]
"""The versions of a prompt by their label, and by their number."""


class PromptSnapshot(NamedTuple):
    """All prompts of all organisations, at one version of the registry."""

    by_model: Mapping[tuple[str, str], LoadedPrompt]
    """By organisation and what callers write: a name alone, with a label, or with a number."""
    labels: Mapping[tuple[str, str], Versions]
    """By organisation and name."""
    splits: Mapping[tuple[str, str], Split[LoadedPrompt]]
    """Labels on which a rollout is under way, by organisation and what callers write."""
    looked_up: dict[tuple[str, str], LoadedPrompt | None]
    """Versions without a label that somebody named since the snapshot was made, None for none."""


def snapshot_of(
    loaded: Iterable[tuple[LabelledVersion, LoadedPrompt]],
    rollouts: Iterable[tuple[RunningRollout, Mapping[str, LoadedPrompt]]],
) -> PromptSnapshot:
    """Lay prompts out as callers name them; a rollout's candidates are by their arm."""
    by_model: dict[tuple[str, str], LoadedPrompt] = {}
    labels: dict[tuple[str, str], dict[str, LoadedPrompt]] = {}
    for labelled, prompt in loaded:
        org, label = labelled.org, labelled.label
        labels.setdefault((org, prompt.model), {})[label] = prompt
        by_model[org, f"{prompt.model}@{label}"] = prompt
        by_model[org, f"{prompt.model}@{prompt.number}"] = prompt
        if label == DEFAULT_LABEL:
            by_model[org, prompt.model] = prompt
    splits: dict[tuple[str, str], Split[LoadedPrompt]] = {}
    for running, candidates in rollouts:
        model = MODEL_PREFIX + running.name.name
        key = (running.org, f"{model}@{running.label}")
        if key not in by_model:  # the label went between two reads: the next ones agree
            continue
        splits[key] = _split(running, by_model[key], candidates)
        if running.label == DEFAULT_LABEL:
            splits[running.org, model] = splits[key]
    return PromptSnapshot(by_model, labels, splits, {})


def _split(
    running: RunningRollout, champion: LoadedPrompt, candidates: Mapping[str, LoadedPrompt]
) -> Split[LoadedPrompt]:
    if running.shadow_budget is not None:
        return _shadowed(running, champion, candidates, running.shadow_budget)
    slices = tuple((part.start, part.end, part.arm) for part in running.slices)
    arms = {
        arm: msgspec.structs.replace(prompt, arm=f"{running.id}/{arm}", slices=slices)
        for arm, prompt in ({CHAMPION: champion} | dict(candidates)).items()
    }
    return Split(Assignment(running.id, running.slices), arms)


def _shadowed(
    running: RunningRollout,
    champion: LoadedPrompt,
    candidates: Mapping[str, LoadedPrompt],
    budget: NanoUSD,
) -> Split[LoadedPrompt]:
    """Let everybody have the champion, and a share of callers a copy sent to the candidate."""
    limit = BudgetLimit(
        f"rollout:{running.id}", budget, Window.DAY, f"the shadow of {champion.model}"
    )
    arms = {CHAMPION: champion}
    for arm, prompt in candidates.items():
        candidate = msgspec.structs.replace(prompt, arm=f"{running.id}/{SHADOW}")
        arms[arm] = msgspec.structs.replace(champion, shadow=Shadow(candidate, limit))
    return Split(Assignment(running.id, running.slices), arms)


def by_digest(snapshot: PromptSnapshot) -> dict[tuple[str, str, str], LoadedPrompt]:
    """Return what need not be compiled again: content never changes under its digest."""
    return {
        (org, one.model, one.digest): one
        for (org, _), one in snapshot.by_model.items()
        if one.compiled is not None
    }

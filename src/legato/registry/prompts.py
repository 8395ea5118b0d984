"""Prompts as a worker knows them: an immutable snapshot, swapped whole when one changes."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Protocol

import msgspec

from legato.core.erasure import KeyDestroyed
from legato.core.errors import Forbidden, InvalidRequest, NotFound, StorageUnavailable
from legato.core.principal import Principal
from legato.core.registry import (
    DEFAULT_LABEL,
    Kind,
    ObjectName,
    Selector,
    checked_name,
    selector,
    shown,
)
from legato.core.tasks import InThread
from legato.core.watching import Watch
from legato.registry.prompt import MODEL_PREFIX, CompiledPrompt, compile_prompt, read_prompt
from legato.registry.prompt_snapshot import (
    LoadedPrompt,
    PromptSnapshot,
    Versions,
    by_digest,
    snapshot_of,
)
from legato.registry.registry import Sealing, sealing_context
from legato.storage.registry.records import LabelledVersion, RunningRollout, VersionRecord

log = logging.getLogger(__name__)

LOOKED_UP_MAX = 256
_LISTED_MAX = 20
_SHOWN_MAX = 140

_decode = msgspec.json.Decoder().decode


class SnapshotSource(Protocol):
    """Where snapshots come from; blocking, called in a thread."""

    def version(self) -> int:
        """Return the newest version."""
        ...

    def read(self) -> tuple[int, list[LabelledVersion]]:
        """Return everything that has a label, and the version it is at least as new as."""
        ...

    def rollouts(self) -> list[RunningRollout]:
        """Return the rollouts under way."""
        ...

    def find(self, org: str, name: ObjectName, wanted: Selector) -> VersionRecord:
        """Return a version that a number or a digest names. Raises NotFound, InvalidRequest."""
        ...


class PromptRegistry:
    """Resolves prompts from memory."""

    def __init__(self, source: SnapshotSource, sealing: Sealing, in_thread: InThread) -> None:
        self._source = source
        self._sealing = sealing
        self._in_thread = in_thread
        self._snapshot: PromptSnapshot | None = None
        self._version = -1
        self._looking_up = asyncio.Lock()
        """One at a time: callers who name what isn't there keep no thread from anybody else."""

    def look_up(self, model: str, principal: Principal) -> Awaitable[None] | None:
        """Return what must be awaited before `resolve` can know a version; None where nothing must.

        The database is asked for a version that has no label, once for each that is named.

        Raises, when awaited:
            InvalidRequest: these digits are those of several versions.
            StorageUnavailable: the database is away.
        """
        snapshot, key = self._snapshot, (principal.org, model)
        if snapshot is None or key in snapshot.by_model or key in snapshot.looked_up:
            return None
        name, _, version = model.partition("@")
        wanted = _itself(version)
        if wanted is None or not _may_call(principal, name):
            return None
        if _matching(snapshot.labels.get((principal.org, name), {}), wanted.digest_prefix):
            return None
        return self._look_up(snapshot, key, name.removeprefix(MODEL_PREFIX), wanted)

    async def _look_up(
        self, snapshot: PromptSnapshot, key: tuple[str, str], name: str, wanted: Selector
    ) -> None:
        async with self._looking_up:
            if key not in snapshot.looked_up:
                org = key[0]
                found = await self._in_thread(lambda: self._found(org, name, wanted))
                if len(snapshot.looked_up) >= LOOKED_UP_MAX:
                    snapshot.looked_up.clear()
                snapshot.looked_up[key] = found
        if self._snapshot is not snapshot and self._snapshot is not None:
            self._snapshot.looked_up.setdefault(key, snapshot.looked_up.get(key))

    def _found(self, org: str, name: str, wanted: Selector) -> LoadedPrompt | None:
        try:
            kept = self._source.find(org, ObjectName(Kind.PROMPT, checked_name(name)), wanted)
        except NotFound:
            return None
        except InvalidRequest as error:
            raise InvalidRequest(f"model: {error.message}", param="model") from None
        return self._loaded(LabelledVersion(org, "", kept), {})

    def resolve(self, model: str, principal: Principal, unit: str) -> LoadedPrompt:
        """Return what `prompt:NAME`, or `prompt:NAME@VERSION`, names, in the unit's arm.

        Raises:
            InvalidRequest, NotFound: naming what there is.
            Forbidden: the key may not call it.
            StorageUnavailable: no snapshot could be loaded since this worker started.
        """
        snapshot = self._snapshot
        if snapshot is None:
            msg = "Prompts could not be loaded yet: the database is away. Try again shortly."
            raise StorageUnavailable(msg, retry_after_s=1)
        found = snapshot.by_model.get((principal.org, model))
        if found is None and snapshot.looked_up:
            found = snapshot.looked_up.get((principal.org, model))
        if found is None:
            found = _known(snapshot, model, principal)
        else:
            _require_allowed(principal, found.model)
        split = snapshot.splits.get((principal.org, model))
        if split is None or not principal.live:  # an evaluation tells nothing of a rollout
            return found
        return split.of(unit)

    def names(self, principal: Principal) -> list[str]:
        """Return what a key can call: `prompt:NAME`, and `prompt:NAME@LABEL` of other labels."""
        snapshot = self._snapshot
        if snapshot is None:
            return []
        return sorted(
            name if label == DEFAULT_LABEL else f"{name}@{label}"
            for (org, name), labelled in snapshot.labels.items()
            if org == principal.org and _may_call(principal, name)
            for label in labelled
        )

    def load(self) -> None:
        """Load the newest snapshot where it differs from ours. Blocking: call it in a thread."""
        if self._source.version() == self._version:
            return
        version, labelled = self._source.read()
        known = {} if self._snapshot is None else by_digest(self._snapshot)
        prompts = [one for one in labelled if one.version.name.kind.value == Kind.PROMPT.value]
        loaded = [(one, self._loaded(one, known)) for one in prompts]
        rollouts = [
            (one, {arm: self._of_rollout(one, arm, known) for arm in one.candidates})
            for one in self._source.rollouts()
            if one.name.kind.value == Kind.PROMPT.value
        ]
        self._snapshot = snapshot_of(loaded, rollouts)
        self._version = version

    async def follow(self) -> None:
        """Keep the snapshot fresh for ever: a change is seen within half a second and a query.

        While the database is away the last snapshot stays in force.
        """
        await Watch("prompts", lambda: self._in_thread(self.load)).follow()

    def _of_rollout(
        self, running: RunningRollout, arm: str, known: Mapping[tuple[str, str, str], LoadedPrompt]
    ) -> LoadedPrompt:
        labelled = LabelledVersion(running.org, running.label, running.candidates[arm])
        return self._loaded(labelled, known)

    def _loaded(
        self, labelled: LabelledVersion, known: Mapping[tuple[str, str, str], LoadedPrompt]
    ) -> LoadedPrompt:
        kept = labelled.version
        model = MODEL_PREFIX + kept.name.name
        before = known.get((labelled.org, model, kept.digest))
        if before is not None and before.compiled is not None and self._opens(labelled.org, kept):
            return before
        return LoadedPrompt(
            model,
            shown(kept.name, kept.digest),
            kept.number,
            kept.digest,
            self._compiled(labelled.org, kept),
        )

    def _opens(self, org: str, kept: VersionRecord) -> bool:
        """Whether its key is still there: compiled, it would outlive that."""
        try:
            self._sealing.open(org, kept.sealed, sealing_context(kept.name, kept.digest))
        except KeyDestroyed:
            return False
        return True

    def _compiled(self, org: str, kept: VersionRecord) -> CompiledPrompt | None:
        try:
            context = sealing_context(kept.name, kept.digest)
            spec = _decode(self._sealing.open(org, kept.sealed, context))
            return compile_prompt(read_prompt(spec), kept.name.name)
        except ValueError as error:  # those of types and templates are ValueErrors, too
            log.error(  # noqa: TRY400 -- its message may hold the prompt
                "a prompt can't be read",
                extra={"version": shown(kept.name, kept.digest), "reason": type(error).__name__},
            )
        return None


def _may_call(principal: Principal, model: str) -> bool:
    return principal.may_call(model) or f"{MODEL_PREFIX}*" in principal.models


def _require_allowed(principal: Principal, model: str) -> None:
    if not _may_call(principal, model):
        msg = f"This key may not call {model!r}; ask for it to be added to its models."
        raise Forbidden(msg, param="model")


def _itself(version: str) -> Selector | None:
    """Return a version's number or digest, None where the text is neither."""
    try:
        wanted = selector(version)
    except InvalidRequest:
        return None
    return None if wanted.label else wanted


def _matching(labelled: Versions, digits: str) -> dict[str, LoadedPrompt]:
    """Return the versions with a label whose digests begin so."""
    if not digits:
        return {}
    return {one.digest: one for one in labelled.values() if one.digest.startswith(digits)}


def _known(snapshot: PromptSnapshot, model: str, principal: Principal) -> LoadedPrompt:
    """Find a version by the first digits of its digest, or say what there is instead."""
    name, at, version = model.partition("@")
    labelled = snapshot.labels.get((principal.org, name))
    if labelled is None:
        of_org = (one for org, one in snapshot.labels if org == principal.org)
        known = sorted(one for one in of_org if _may_call(principal, one))
        listed = ", ".join(known[:_LISTED_MAX]) or "none"
        msg = f"There is no prompt {name[:_SHOWN_MAX]!r}; this key can call: {listed}."
        raise NotFound(msg, param="model")
    _require_allowed(principal, name)  # before its labels are told
    if at and not version:
        raise InvalidRequest("model: a version stands behind @, or no @ at all", param="model")
    try:
        digits = selector(version or DEFAULT_LABEL).digest_prefix
    except InvalidRequest as error:
        raise InvalidRequest(f"model: {error.message}", param="model") from None
    matching = _matching(labelled, digits)
    if len(matching) == 1:
        return next(iter(matching.values()))
    if matching:
        msg = f"{name} has several versions {digits}; give more of the digits."
        raise InvalidRequest(msg, param="model")
    told = f"no version {version[:_SHOWN_MAX]!r}" if version else f"no label {DEFAULT_LABEL!r}"
    there = ", ".join(f"{label} (version {one.number})" for label, one in sorted(labelled.items()))
    raise NotFound(f"{name} has {told} here; it has: {there}.", param="model")

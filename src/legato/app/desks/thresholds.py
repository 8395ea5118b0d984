"""Proposes other thresholds of rules, by what people said of their finds."""

import copy
from hashlib import blake2b
from typing import Any, Final

import msgspec

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import StoredData
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.registry import DEFAULT_LABEL, Kind, MoveState, ObjectName, Selector
from legato.guardrails.policy.precision import Tuning, tuned
from legato.registry.documents import Document
from legato.registry.registry import Act
from legato.replay.vendor import ObjectChange
from legato.storage.registry.proposals import NewProposal, Proposal

THRESHOLD: Final = "threshold"
"""The kind of such proposals."""
_DIGEST_BYTES: Final = 16


class Proposed(msgspec.Struct, frozen=True):
    """What judged finds say; without a proposal where they say nothing, or nothing new."""

    tuning: Tuning
    proposal: Proposal | None


class Thresholds:
    """One organisation's rules. Methods may raise StorageUnavailable."""

    def __init__(self, instance: Instance, stored: StoredData, org: str) -> None:
        self._instance = instance
        self._stored = stored
        self._org = org

    def propose(self, policy: str, rule: str, target: float, actor: str) -> Proposed:
        """Propose the lowest threshold that meets a precision, with the evidence.

        Raises:
            NotFound: there is no such policy, or it has no such rule.
            InvalidRequest: the target isn't a precision that can be met.
        """
        if not 0 < target < 1:
            raise InvalidRequest("precision: between 0 and 1, as 0.95", param="precision")
        spec, _ = self._spec(policy)
        index = _index(spec, policy, rule)
        now = float(spec["rules"][index].get("at_least", 0.5))
        judged = self._stored.guard_samples(self._instance, self._org).judged(policy, rule)
        found = tuned(judged, now, target)
        if found.proposed is None or found.proposed == now:
            return Proposed(found, None)
        after = copy.deepcopy(spec)
        after["rules"][index]["at_least"] = found.proposed
        change = ObjectChange(Kind.GUARDRAIL, policy, spec, after)
        new = _new(policy, rule, found, change)
        return Proposed(found, self._stored.proposals(self._org).offer(new, actor))

    def apply(
        self, changes: list[ObjectChange], actor: str, reason: str, *, back: bool
    ) -> tuple[list[str], list[ObjectChange]]:
        """Change policies of the registry; return what was done, and what the file has to say.

        Raises:
            Conflict: the policy was changed since, or its environment is kept in a directory.
        """
        applied, left = [], []
        for one in changes:
            was, becomes = (one.after, one.before) if back else (one.before, one.after)
            if was is None or becomes is None:
                raise AssertionError("a threshold is of a policy that is there")
            there, of_registry = self._spec(one.name)
            if there == becomes:
                applied.append(f"guardrail:{one.name} is so already")
            elif there != was:
                raise Conflict(f"guardrail {one.name} was changed since: tune it again")
            elif not of_registry:
                left.append(ObjectChange(one.kind, one.name, was, becomes))
            else:
                applied.append(self._moved(one.name, becomes, actor, reason))
        return applied, left

    def _moved(self, policy: str, spec: dict[str, Any], actor: str, reason: str) -> str:
        environment = self._instance.loaded.config.registry.environment
        act = Act(actor, reason or "what people said of its finds", environment)
        registry = self._stored.registry(self._instance, self._org)
        moves = registry.save_together([Document(Kind.GUARDRAIL, policy, spec)], act)
        waits = any(one.state == MoveState.PENDING for one in moves)
        told = "waits for approval" if waits else "has moved in the registry"
        return f"guardrail:{policy} {told}"

    def _spec(self, policy: str) -> tuple[dict[str, Any], bool]:
        """Return a policy's content, and whether the registry has it. Raises NotFound."""
        config = self._instance.loaded.config
        registry = self._stored.registry(self._instance, self._org)
        try:
            live = registry.read.version(
                ObjectName(Kind.GUARDRAIL, policy),
                Selector(label=DEFAULT_LABEL),
                config.registry.environment,
            )
        except NotFound:
            for one in config.guardrails.policies:
                if one.name == policy:
                    plain: dict[str, Any] = msgspec.to_builtins(one)
                    del plain["name"]
                    return plain, False
            told = f"no policy {policy!r}, live in the registry or in the file"
            raise NotFound(told, param="policy") from None
        content: dict[str, Any] = registry.content(live)
        return content, True


def _index(spec: dict[str, Any], policy: str, rule: str) -> int:
    names = [one["name"] for one in spec.get("rules", ())]
    if rule not in names:
        listed = ", ".join(names) or "none"
        raise NotFound(f"the policy {policy} has no rule {rule!r}: {listed}", param="rule")
    return names.index(rule)


def _new(policy: str, rule: str, found: Tuning, change: ObjectChange) -> NewProposal:
    fact = {"kind": THRESHOLD, "policy": policy, "rule": rule, "precision": found.target,
            "at_least": {"now": found.now, "proposed": found.proposed}}  # fmt: skip
    encoded = msgspec.json.encode(fact), msgspec.json.encode([change])
    return NewProposal(
        digest=blake2b(b"\x00".join(encoded), digest_size=_DIGEST_BYTES).hexdigest(),
        kind=THRESHOLD,
        subject=f"{policy}/{rule}",
        fact=encoded[0].decode(),
        changes=encoded[1].decode(),
        figures=msgspec.json.encode(found).decode(),
        told=f"at_least {found.now:g} -> {found.proposed:g}. {found.told}",
    )

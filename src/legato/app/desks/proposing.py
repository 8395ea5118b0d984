"""Makes proposals of what vendors change, and carries out what is decided."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import StoredData
from legato.app.desks.thresholds import THRESHOLD, Thresholds
from legato.app.desks.twin import Twin, live_models
from legato.app.price_changes import as_written, new_proposal
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.core.errors import CallerError, Conflict, InvalidRequest
from legato.core.money import NanoUSD, exact_usd
from legato.core.price import same_charges
from legato.core.registry import DEFAULT_LABEL, INSTANCE_ORG, MoveState, ObjectName
from legato.registry.documents import Document
from legato.registry.models import merged
from legato.registry.registry import Act
from legato.replay.twin.report import Report
from legato.replay.twin.scenario import Scenario, Traffic
from legato.replay.vendor import Consequence, Fact, ObjectChange, consequence, spec_of
from legato.storage.registry.proposals import ACCEPTING, OPEN, REVERTING, NewProposal, Proposal
from legato.storage.registry.records import MoveRecord

_NS_PER_S: Final = 1_000_000_000
_BACK_NS: Final = 7 * 86_400 * _NS_PER_S


class Done(msgspec.Struct, frozen=True):
    """What came of a decision. `to_change` is left for the configuration file to say."""

    proposal: Proposal
    applied: list[str]
    to_change: list[ObjectChange]


class Proposing:
    """One organisation's proposals. Methods may raise StorageUnavailable."""

    def __init__(self, instance: Instance, stored: StoredData, twin: Twin, org: str) -> None:
        self._instance = instance
        self._stored = stored
        self._twin = twin
        self._clock = SystemClock()
        self._org = org
        self.store = stored.proposals(org)
        self._thresholds = Thresholds(instance, stored, org)

    def scan(self, facts: Iterable[Fact], since: str, actor: str) -> list[Proposal]:
        """Propose what facts would change, and what other prices a start would take now.

        Raises:
            InvalidRequest: the ledger has no traffic of that time.
        """
        traffic = Traffic(org=self._org, since=since)
        every = [*facts, *self._other_prices(traffic)]
        return [self.store.offer(self._proposed(fact, traffic), actor) for fact in every]

    def shown(self, proposal_id: str, actor: str) -> Proposal:
        """Return a proposal, with the figures that one which was raised by itself still lacks.

        They are made of the traffic before it was raised. Raises NotFound.
        """
        known, _ = self.store.get(proposal_id)
        if known.state != OPEN or known.figures is not None:
            return known
        fact = msgspec.json.decode(known.fact, type=Fact)
        since, until = (_moment_text(known.made_at_ns - back) for back in (_BACK_NS, 0))
        new = self._proposed(fact, Traffic(org=self._org, since=since, until=until))
        return known if new.told == known.told else self.store.offer(new, actor)

    def decide(self, command: str, proposal_id: str, actor: str, reason: str) -> Done:
        """Accept, reject or revert one. Raises what these raise."""
        if command == "accept":
            return self.accept(proposal_id, actor, reason)
        if command == "revert":
            return self.revert(proposal_id, actor, reason)
        return Done(self.reject(proposal_id, actor, reason), [], [])

    def accept(self, proposal_id: str, actor: str, reason: str) -> Done:
        """Carry a proposal out: in the registry where it keeps the objects, else by words.

        Raises:
            NotFound: there is none.
            Conflict: it is decided, not in force yet, somebody else is at it, or what it changes
                was changed since.
        """
        known, _ = self.store.get(proposal_id)
        if known.kind == THRESHOLD:
            return self._carried_out(proposal_id, ACCEPTING, actor, reason)
        fact = msgspec.json.decode(known.fact, type=Fact)
        today = datetime.fromtimestamp(self._clock.now_ns() // _NS_PER_S, UTC).date().isoformat()
        early = fact.kind == "price" and fact.day is not None and fact.day > today
        if early and known.state == OPEN:
            raise Conflict(f"this price is in force from {fact.day} on: accept it then")
        return self._carried_out(proposal_id, ACCEPTING, actor, reason)

    def revert(self, proposal_id: str, actor: str, reason: str) -> Done:
        """Take an accepted proposal back, so that it is open again. Raises what `accept` does."""
        return self._carried_out(proposal_id, REVERTING, actor, reason)

    def _carried_out(self, proposal_id: str, through: str, actor: str, reason: str) -> Done:
        """Take the proposal first, so that of two people one acts; note what came of it last.

        Who dies in between leaves it taken; another finishes it a minute later.
        """
        begun = self.store.begin(proposal_id, through)
        back = through == REVERTING
        changes = _changes(begun)[::-1] if back else _changes(begun)
        try:
            apply = self._thresholds.apply if begun.kind == THRESHOLD else self._apply
            applied, left = apply(changes, actor, reason, back=back)
        except CallerError:
            self.store.give_up(begun)
            raise
        return Done(self.store.finish(begun, actor, reason), applied, left)

    def reject(self, proposal_id: str, actor: str, reason: str) -> Proposal:
        """Keep why a proposal isn't carried out.

        Raises:
            InvalidRequest: there is no reason.
            NotFound: there is none.
            Conflict: it is decided.
        """
        if not reason.strip():
            raise InvalidRequest("a rejection needs its reason", param="reason")
        return self.store.reject(proposal_id, actor, reason)

    def _apply(
        self, changes: list[ObjectChange], actor: str, reason: str, *, back: bool
    ) -> tuple[list[str], list[ObjectChange]]:
        file = self._instance.loaded.config
        models = live_models(self._instance, self._stored)
        live = {one.name for one in models}
        done = _done_already(changes, merged(file, models), back=back)
        of_registry = any(ObjectName(one.kind, one.name) in live for one in changes)
        act = Act(actor, reason or "a vendor's change", file.registry.environment)
        kept = [
            one
            for one in changes
            if (name := ObjectName(one.kind, one.name)) not in done
            and (name in live or (of_registry and one.before is None and not back))
        ]
        moves = self._moved_back(kept, act) if back else self._moved(kept, act)
        waiting = {one.name for one in moves if one.state == MoveState.PENDING}
        applied, left = [], []
        for one in changes:
            name = ObjectName(one.kind, one.name)
            if name in done:
                applied.append(f"{one.kind.value}:{one.name} is so already")
            elif one in kept:
                told = "waits for approval" if name in waiting else "has moved in the registry"
                applied.append(f"{one.kind.value}:{one.name} {told}")
            else:
                left.append(_turned(one) if back else one)
        return applied, left

    def _moved(self, changes: Sequence[ObjectChange], act: Act) -> list[MoveRecord]:
        """Move objects of the registry on, all of them or none."""
        if not changes:
            return []
        registry = self._stored.registry(self._instance, INSTANCE_ORG)
        documents = [Document(one.kind, one.name, one.after) for one in changes]
        return registry.save_together(documents, act)

    def _moved_back(self, changes: Sequence[ObjectChange], act: Act) -> list[MoveRecord]:
        """Move objects of the registry back, one after the other: what names others comes first."""
        moves = [move for one in changes for move in self._back(one, act)]
        return [one for one in moves if one is not None]

    def _back(self, one: ObjectChange, act: Act) -> Sequence[MoveRecord | None]:
        registry = self._stored.registry(self._instance, INSTANCE_ORG)
        name = ObjectName(one.kind, one.name)
        if one.before is None:
            return [registry.point(name, DEFAULT_LABEL, None, act)]
        return [registry.roll_back(name, DEFAULT_LABEL, act)]

    def _other_prices(self, traffic: Traffic) -> list[Fact]:
        """Return the prices a start would take that no recorded attempt was stamped with."""
        ledger = self._twin.ledger(traffic)
        if ledger is None:
            return []
        found = []
        configured = {one.name for one in self._twin.config.deployments if one.price is not None}
        for name, price in sorted(self._twin.prices().items()):
            stamped = ledger.stamped.get(name)
            if price is None or not stamped or price.unit:
                continue
            if any(same_charges(price, one) for one in stamped.values()):
                continue
            source = "the configuration" if name in configured else price.source
            found.append(
                Fact(kind="price", deployment=name, source=source, price=as_written(price))
            )
        return found

    def _proposed(self, fact: Fact, traffic: Traffic) -> NewProposal:
        found = consequence(fact, self._twin.config)
        figures, told = self._figures(found, traffic)
        return new_proposal(fact, found, figures, told)

    def _figures(self, found: Consequence, traffic: Traffic) -> tuple[str | None, str]:
        scenario = Scenario(name="proposal", traffic=traffic, candidates=[found.candidate])
        try:
            report = self._twin.run_loaded(scenario)
        except InvalidRequest as error:
            return None, f"What it would change can't be said: {error.message}"
        return msgspec.json.encode(report).decode(), _in_words(report)


def _in_words(report: Report) -> str:
    before = report.as_is.groups.total
    (world,) = report.candidates
    after, compared = world.groups.total, world.differences
    cost = None if compared is None else compared.figures["cost_nano_usd"]
    interval = ""
    if cost is not None and cost.low is not None and cost.high is not None:
        low, high = (exact_usd(NanoUSD(round(one))) for one in (cost.low, cost.high))
        interval = f" (95 % interval of the difference: {low} to {high})"
    was, is_then = (exact_usd(NanoUSD(one.cost)) for one in (before, after))
    told = [
        f"Of {before.requests} recorded requests: cost ${was} -> ${is_then}{interval}",
        f"answered {before.answered} -> {after.answered}",
        f"p95 {before.latency_ms_p95 or 0:.0f} -> {after.latency_ms_p95 or 0:.0f} ms",
        f"quality {report.quality}",
    ]
    return "; ".join(told) + "."


def _done_already(
    changes: Iterable[ObjectChange], config: Config, *, back: bool
) -> set[ObjectName]:
    """Return what is as it would become: by somebody who died, or by hand.

    Raises:
        Conflict: somebody has made something else of it, which must not be overwritten.
    """
    done = set()
    for one in changes:
        there = spec_of(config, one.kind, one.name)
        was, becomes = (one.after, one.before) if back else (one.before, one.after)
        if there == becomes:
            done.add(ObjectName(one.kind, one.name))
        elif there != was and not (back and one.before is None):
            raise Conflict(f"{one.kind.value} {one.name} was changed since: scan again")
    return done


def _moment_text(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / _NS_PER_S, UTC).isoformat()


def _changes(known: Proposal) -> list[ObjectChange]:
    return msgspec.json.decode(known.changes, type=list[ObjectChange])


def _turned(one: ObjectChange) -> ObjectChange:
    return ObjectChange(one.kind, one.name, one.after, one.before or {})

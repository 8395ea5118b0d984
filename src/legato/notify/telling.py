"""Puts what was found into words. Figures stand in `facts`, too; nobody's pseudonym does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from legato.core.budget import BudgetEvent, Measure, measure_of, read_counter
from legato.core.money import NanoUSD, display_usd
from legato.core.notification import Notification, Severity
from legato.storage.anomalies.found import Anomaly
from legato.storage.audit.exports import ExportState
from legato.storage.notifications.traces import (
    CutOff,
    Damaged,
    Drifted,
    Expiring,
    OfBudget,
    RolledBack,
)

_NS_PER_S: Final = 1_000_000_000
_HOUR_NS: Final = 3_600 * _NS_PER_S
_DOES: Final = {
    "warn": "has reached {percent} % of its limit",
    "degrade": "has reached {percent} %: a cheaper route answers",
    "queue": "has reached {percent} %: calls wait in the queue of batches",
    "blocked": "is used up: a call was refused",
}
_SEVERITY: Final = {"blocked": Severity.CRITICAL}
_HIDDEN: Final = frozenset({"user"})
WindowEnd = Callable[[str, int], int | None]
"""Returns when a window of a span around a time ends (ns), None where it never does."""


class Words:
    """Makes notifications; `new_id` names them."""

    def __init__(self, new_id: Callable[[], str], window_end: WindowEnd) -> None:
        self._new_id = new_id
        self._window_end = window_end

    def of_budget(self, found: OfBudget) -> Iterator[Notification]:
        """Tell of a step or a refusal, and that its window ended, once it has."""
        event, window_end_ns = found.event, self._ends(found)
        named = read_counter(event.limit_id) if event.budget_id else None
        values = dict(found.budget.where) if found.budget else {}
        values |= {} if named is None else named.values
        shown = {name: value for name, value in values.items() if name not in _HIDDEN}
        team, feature = shown.get("team", ""), shown.get("feature", "")
        if found.key is not None:
            team, feature = found.key.team, found.key.feature
        who = _who(event, shown)
        measure = measure_of(event.limit_id)
        used, limit = _figure(measure, event.used), _figure(measure, event.limit)
        does = _DOES.get(event.what, event.what).format(percent=event.at_percent)
        text = f"{who} {does}. Used: {used} of {limit}."
        if window_end_ns is not None:
            text += f" Its window ends {moment(window_end_ns)}."
        about = f"budget {event.limit_id} {_window(event, window_end_ns)}"
        said = Notification(
            id=self._new_id(),
            kind=f"budget.{event.what}",
            severity=_SEVERITY.get(event.what, Severity.WARNING),
            title=f"{who} {does}",
            text=text,
            at_ns=event.at_ns,
            once=f"{about} {event.what} {event.at_percent}",
            org=event.org,
            team=team,
            feature=feature,
            facts={
                "budget_id": event.budget_id,
                "budget": event.name,
                "measure": measure.value,
                "at_percent": event.at_percent,
                "used": event.used,
                "limit": event.limit,
                "window_start_ns": event.window_start_ns,
                "window_end_ns": window_end_ns,
            }
            | {f"of_{name}": value for name, value in shown.items()},
        )
        yield said
        if window_end_ns is not None and window_end_ns - event.window_start_ns > _HOUR_NS:
            yield self._reset(said, who, about, window_end_ns)

    def of_rollback(self, found: RolledBack) -> Notification:
        """Tell that a rollout was taken back."""
        return Notification(
            id=self._new_id(),
            kind="rollout.rolled_back",
            severity=Severity.CRITICAL,
            title=f"The rollout of {found.kind} {found.name} was taken back",
            text=f"The rollout {found.id} of {found.kind} {found.name} was taken back: "
            f"{found.told or 'no reason was told'}. `legato rollouts show` has the evidence.",
            at_ns=found.at_ns,
            once=f"rollout {found.org} {found.id}",
            org=found.org,
            facts={"rollout_id": found.id, "kind": found.kind, "name": found.name},
        )

    def of_drift(self, found: Drifted) -> Notification:
        """Tell that scores have moved."""
        return Notification(
            id=self._new_id(),
            kind="quality.drift",
            severity=Severity.WARNING,
            title=f"Scores of {found.scorer} have moved ({found.policy})",
            text=f"The scores that {found.scorer} gives live answers of policy {found.policy} "
            "have moved from their reference. `legato scores alarms` has the evidence.",
            at_ns=found.at_ns,
            once=f"drift {found.org} {found.id}",
            org=found.org,
            facts={"alarm_id": found.id, "policy": found.policy, "scorer": found.scorer},
        )

    def of_damage(self, found: Damaged) -> Notification:
        """Tell that a record couldn't be read into the ledger."""
        return Notification(
            id=self._new_id(),
            kind="ledger.alarm",
            severity=Severity.CRITICAL,
            title="A record of the journal couldn't be read into the ledger",
            text=f"A record of the journal is kept aside, since it couldn't be read: "
            f"{found.reason}. `legato ledger verify` and `legato journal` tell more.",
            at_ns=found.at_ns,
            once=f"journal {found.digest}",
            facts={"reason": found.reason},
        )

    def of_copy(self, state: ExportState, now_ns: int) -> Notification | None:
        """Tell that a copy of the audit log fails; None while it may still mend itself."""
        since_ns = state.failing_since_ns or now_ns
        if not state.forked and now_ns - since_ns < _HOUR_NS:
            return None
        kind = "audit.copy_differs" if state.forked else "audit.copy_failing"
        what = (
            "holds another history than our audit log"
            if state.forked
            else f"hasn't been given the audit log since {moment(since_ns)}"
        )
        return Notification(
            id=self._new_id(),
            kind=kind,
            severity=Severity.CRITICAL,
            title=f"The destination {state.name} {what}",
            text=f"The destination {state.name} {what}: {state.told}",
            at_ns=now_ns,
            once=f"{kind} {state.name} {since_ns}",
            facts={"destination": state.name, "failing_since_ns": since_ns},
        )

    def of_expiry(self, found: Expiring, now_ns: int) -> Notification:
        """Tell that a key soon works no more."""
        return Notification(
            id=self._new_id(),
            kind="key.expiring",
            severity=Severity.WARNING,
            title=f"The key {found.name} expires {moment(found.expires_at_ns)}",
            text=f"The key {found.name} of team {found.team}, feature {found.feature}, expires "
            f"{moment(found.expires_at_ns)}. `legato keys rotate` makes its successor.",
            at_ns=now_ns,
            once=f"expiry {found.id} {found.expires_at_ns}",
            org=found.org,
            team=found.team,
            feature=found.feature,
            facts={"key_id": found.id, "expires_at_ns": found.expires_at_ns},
        )

    def of_erasure(self, found: CutOff) -> Notification:
        """Tell that an erasure didn't end."""
        return Notification(
            id=self._new_id(),
            kind="erasure.unfinished",
            severity=Severity.CRITICAL,
            title="An erasure was cut off",
            text=f"The erasure {found.id}, begun {moment(found.at_ns)}, has not ended. "
            "Ask for it again: what is gone already costs nothing.",
            at_ns=found.at_ns + _HOUR_NS,
            once=f"erasure {found.org} {found.id}",
            org=found.org,
            facts={"erasure_id": found.id},
        )

    def of_anomaly(self, found: Anomaly) -> Notification:
        """Tell that spend is unusual, by how much, and what changed most."""
        at_stake, change = found.at_stake, found.cost - found.reference_cost
        factor, brought = max(found.parts.items(), key=lambda part: abs(part[1]))
        begins = moment(found.first_hour * _HOUR_NS)
        who = f"{found.feature} of {found.team}"
        return Notification(
            id=self._new_id(),
            kind="anomaly.spend",
            severity=Severity.WARNING,
            title=f"{who} spends {_usd(at_stake)} more than is usual",
            text=f"From {begins}, {who} spent {_usd(found.cost)}, where {_usd(found.expected)} "
            f"is usual. Against {moment(found.reference_hour * _HOUR_NS)} that is "
            f"{_usd(change)} more, of which {factor} brought {_usd(brought)}; the model that "
            f"changed most is {found.model or 'none'}. "
            f"`legato anomalies explain {found.id}` tells all of it.",
            at_ns=found.found_at_ns,
            once=f"anomaly {found.id}",
            org=found.org,
            team=found.team,
            feature=found.feature,
            facts={
                "anomaly_id": found.id,
                "cost": found.cost,
                "expected": found.expected,
                "at_stake": at_stake,
                "model": found.model,
                **{f"by_{name}": part for name, part in found.parts.items()},
            },
        )

    def of_test(self, channel: str, now_ns: int) -> Notification:
        """Tell that somebody tries a channel."""
        new_id = self._new_id()
        return Notification(
            id=new_id,
            kind="test",
            severity=Severity.INFO,
            title=f"Legato tries the channel {channel}",
            text="If you can read this, the channel works. Nothing has happened.",
            at_ns=now_ns,
            once=f"test {new_id}",
            channels=(channel,),
        )

    def _reset(self, said: Notification, who: str, about: str, window_end_ns: int) -> Notification:
        return Notification(
            id=self._new_id(),
            kind="budget.reset",
            severity=Severity.INFO,
            title=f"{who} counts from zero again",
            text=f"The window in which {who} had reached a step has ended. It counts from zero "
            "again.",
            at_ns=said.at_ns,
            after_ns=window_end_ns,
            once=f"{about} reset",
            org=said.org,
            team=said.team,
            feature=said.feature,
            facts=said.facts,
        )

    def _ends(self, found: OfBudget) -> int | None:
        event = found.event
        if found.budget is not None:
            concurrency = found.budget.measure is Measure.CONCURRENCY
            rolling = found.budget.rolling_s > 0
            span = "" if concurrency or rolling else found.budget.span
        elif found.key is not None and event.limit_id.startswith("key:"):
            span = found.key.window
        else:
            span = ""
        return self._window_end(span, event.window_start_ns) if span else None


def moment(at_ns: int) -> str:
    """Write a time as people read it, in UTC."""
    return f"{datetime.fromtimestamp(at_ns // _NS_PER_S, UTC):%Y-%m-%d %H:%M} UTC"


def _who(event: BudgetEvent, shown: dict[str, str]) -> str:
    what = "The budget" if event.budget_id else "A limit of the key"
    of = ", ".join(f"{name} {value}" for name, value in sorted(shown.items()) if value)
    return f"{what} {event.name}{f' ({of})' if of else ''}"


def _window(event: BudgetEvent, window_end_ns: int | None) -> int:
    """Return what window an event is of; of short and of rolling ones an hour is told once."""
    long = window_end_ns is not None and window_end_ns - event.window_start_ns > _HOUR_NS
    at_ns = event.window_start_ns
    return at_ns if long else at_ns // _HOUR_NS * _HOUR_NS


def _usd(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}${display_usd(NanoUSD(abs(amount)))}"


def _figure(measure: Measure, number: int) -> str:
    if measure is Measure.USD:
        return f"${display_usd(NanoUSD(number))}"
    return f"{number} {measure.value}"

"""Opens incidents: for burning budgets, unusual spend, and breakers that stay open."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from legato.core.incident import Cause, Incident, Source
from legato.core.notification import Severity
from legato.core.objective import Objective, percent_of
from legato.storage.anomalies.found import Anomaly
from legato.storage.incidents.incidents import Incidents
from legato.storage.objectives.alerts import BurnAlert

_HOUR_NS: Final = 3_600_000_000_000


class IncidentOpening:
    """Run by one thread of one process. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        incidents: Incidents,
        *,
        breaker_open_ns: int,
        new_id: Callable[[], str],
        now_ns: Callable[[], int],
    ) -> None:
        self._incidents = incidents
        self._breaker_open_ns = breaker_open_ns
        self._new_id = new_id
        self._now_ns = now_ns
        self._open_since: dict[str, int] = {}

    def of_burns(self, opened: Iterable[tuple[BurnAlert, Objective]]) -> list[Incident]:
        """Open one for each alert whose objective has none yet."""
        made = (self._incidents.open(self._burn(*one)) for one in opened)
        return [one for one in made if one is not None]

    def of_recoveries(
        self, closed: Iterable[BurnAlert], still: Iterable[BurnAlert]
    ) -> list[Incident]:
        """Resolve those of objectives that burn in no window any more."""
        burning = {(one.org, one.name) for one in still}
        over = {(one.org, one.name) for one in closed} - burning
        return [
            incident
            for org, name in sorted(over)
            for incident in self._incidents.recovered(Source.BURN, name, org)
        ]

    def of_anomalies(self, found: Iterable[Anomaly]) -> list[Incident]:
        """Open one for each that nobody has acknowledged."""
        made = (
            self._incidents.open(self._anomaly(one)) for one in found if not one.acknowledged_by
        )
        return [one for one in made if one is not None]

    def of_breakers(self, states: Mapping[str, bool]) -> list[Incident]:
        """Open one where a deployment's breaker was open for long; resolve it once it is closed.

        `states` says of each deployment whether its breaker is closed.
        """
        now_ns, changed = self._now_ns(), list[Incident]()
        unresolved = {one.subject for one in self._incidents.unresolved(Source.BREAKER)}
        for name, is_closed in states.items():
            if is_closed:
                self._open_since.pop(name, None)
                if name in unresolved:
                    changed += self._incidents.recovered(Source.BREAKER, name, "")
                continue
            since_ns = self._open_since.setdefault(name, now_ns)
            if name in unresolved or now_ns - since_ns < self._breaker_open_ns:
                continue
            made = self._incidents.open(self._breaker(name, since_ns))
            changed += [] if made is None else [made]
        return changed

    def _burn(self, alert: BurnAlert, objective: Objective) -> Incident:
        severity = Severity.CRITICAL if alert.pages else Severity.WARNING
        return Incident(
            id=self._new_id(),
            org=alert.org,
            team=alert.team,
            feature=alert.feature,
            source=Source.BURN,
            subject=alert.name,
            source_id=alert.id,
            severity=severity.value,
            title=f"{alert.name}: its error budget burns {alert.burn_long:.1f} times too fast "
            f"({alert.window}; {percent_of(objective.target_ppm)} % are to be good)",
            runbook=objective.runbook,
            began_at_ns=alert.began_at_ns,
            opened_at_ns=self._now_ns(),
        )

    def _anomaly(self, found: Anomaly) -> Incident:
        now_ns = self._now_ns()
        return Incident(
            id=self._new_id(),
            org=found.org,
            team=found.team,
            feature=found.feature,
            source=Source.ANOMALY,
            subject=f"{found.team}/{found.feature}"[:200],
            source_id=found.id,
            severity=Severity.WARNING.value,
            title=f"{found.feature[:80]} of {found.team[:80]} spends what is unusual",
            began_at_ns=min(now_ns, found.first_hour * _HOUR_NS),
            opened_at_ns=now_ns,
        )

    def _breaker(self, deployment: str, since_ns: int) -> Incident:
        return Incident(
            id=self._new_id(),
            org="",
            source=Source.BREAKER,
            subject=deployment,
            severity=Severity.CRITICAL.value,
            title=f"The breaker of {deployment[:150]} stays open",
            cause=Cause.INTEGRATION,
            began_at_ns=since_ns,
            opened_at_ns=self._now_ns(),
        )

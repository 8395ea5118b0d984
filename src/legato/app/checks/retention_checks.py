"""How long each kind is kept, and what can be wrong with it."""

from collections.abc import Iterator
from typing import Final

from legato.core.config import Config
from legato.core.config_retention import DAYS_MIN, RetentionDays
from legato.storage.privacy.retention_terms import KeptTerms

_NONE: Final[KeptTerms] = {}


def days_of(
    config: Config, name: str, org: str | None = None, kept: KeptTerms = _NONE
) -> int | None:
    """Return how long a kind is kept; None for as long as its rows say themselves, else for good.

    The shortest term that is said anywhere holds: by the configuration or by people, for all or
    for the organisation.
    """
    said = [_configured(config, name, org), kept.get(("", name))]
    if org is not None:
        said.append(kept.get((org, name)))
    return min((days for days in said if days is not None), default=None)


def _configured(config: Config, name: str, org: str | None) -> int | None:
    own = {} if org is None else config.retention.organisations.get(org, {})
    if name in own:
        return own[name]
    said: int | None = getattr(config.retention.days, name)
    return said if said is not None else _by_own_settings(config).get(name)


def problems_of_retention(config: Config) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield what is wrong with `retention`: where, what, and the remedy."""
    known = RetentionDays.__struct_fields__
    for org, own in config.retention.organisations.items():
        for name, said in own.items():
            where = ("organisations", org, name)
            if name not in known:
                yield where, "there is no such kind", f"One of these: {', '.join(known)}."
                continue
            least = DAYS_MIN.get(name, 1)
            if said < least:
                yield where, f"{said} days are too few", f"{least} at least: figures rest on them."
                continue
            everybodys = days_of(config, name)
            if everybodys is not None and said > everybodys:
                told = f"{said} days are more than the {everybodys} of all organisations"
                yield where, told, "Give it fewer, or all of them more."


def _by_own_settings(config: Config) -> dict[str, int | None]:
    """Return what kinds' own settings say."""
    return {
        "traces": config.telemetry.trace_retention_days,
        "outcomes": config.telemetry.trace_retention_days,
        "comparisons": config.feedback.retention_days,
        "feedback": config.feedback.retention_days,
        "live_scores": config.feedback.retention_days,
        "reviews": config.reviews.retention_days,
        "evaluations": config.evaluation.retention_days,
        "traffic_cases": config.evaluation.traffic_dataset_retention_days,
        "responses": config.responses.retention_days,
        "notifications": config.notifications.retention_days,
        "anomalies": config.anomalies.retention_days,
        "incidents": config.objectives.retention_days,
        "objectives": config.objectives.retention_days,
        "finance": config.finance.retention_days,
        "report_runs": config.notifications.report_retention_days,
        "usage_imports": config.usage_imports.retention_days,
    }

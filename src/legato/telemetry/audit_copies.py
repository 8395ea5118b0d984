"""How copies of the audit log stand, as metrics."""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

_EXPORT_GAUGES: Final = (
    ("timestamp_seconds", "When all of the audit log had arrived at a destination (Unix time)"),
    ("lag_events", "Events that a destination of the audit log doesn't have yet"),
    ("forked", "1 while a destination has another history than our audit log"),
)


def export_metrics(
    values: Mapping[tuple[str, ...], float], failures: Mapping[tuple[str, ...], int]
) -> Iterator[Metric]:
    """Yield a gauge for each thing that is told, and the failures.

    Keys are destination and what, or destination and reason.
    """
    failed = CounterMetricFamily(
        "legato_audit_export_failures",
        "Times that the audit log couldn't be copied to a destination",
        labels=("destination", "reason"),
    )
    for key, count in sorted(failures.items()):
        failed.add_metric(key, count)
    yield failed
    for what, text in _EXPORT_GAUGES:
        family = GaugeMetricFamily(f"legato_audit_export_{what}", text, labels=("destination",))
        for (destination, named), value in sorted(values.items()):
            if named == what:
                family.add_metric((destination,), value)
        yield family

"""Whether a deployment is known to fulfil what is required of it."""

from legato.core.config import DataUse
from legato.core.config_parts import Requirements


def shortfalls(require: Requirements, region: str, data_use: DataUse) -> tuple[str, ...]:
    """Return what of the requirements isn't known to be fulfilled, in words; nothing is good."""
    failed = []
    if require.regions is not None and region not in require.regions:
        failed.append(f"region {region or 'unknown'}")
    if require.no_training and data_use.training is not False:
        failed.append("training unknown" if data_use.training is None else "trains on the data")
    most, kept = require.retention_days_max, data_use.retention_days
    if most is not None and (kept is None or kept > most):
        failed.append("retention unknown" if kept is None else f"kept {kept} days")
    held = data_use.certifications
    missing = [name for name in require.certifications if name not in (held or ())]
    if missing:
        failed.append(
            "certifications unknown" if held is None else f"not certified {', '.join(missing)}"
        )
    return tuple(failed)


def holds_to(require: Requirements | None, own: Requirements) -> bool:
    """Whether what fulfils `require` fulfils `own`, too."""
    asked = Requirements() if require is None else require
    most = own.retention_days_max
    return (
        (own.regions is None or (asked.regions is not None and {*asked.regions} <= {*own.regions}))
        and (asked.no_training or not own.no_training)
        and (
            most is None
            or (asked.retention_days_max is not None and asked.retention_days_max <= most)
        )
        and {*own.certifications} <= {*asked.certifications}
    )


def in_words(require: Requirements) -> str:
    """Say what is required."""
    terms = []
    if require.regions is not None:
        terms.append(f"region {' or '.join(require.regions) or 'none'}")
    if require.no_training:
        terms.append("no training")
    if require.retention_days_max is not None:
        terms.append(f"kept at most {require.retention_days_max} days")
    if require.certifications:
        terms.append(f"certified {', '.join(require.certifications)}")
    return "; ".join(terms) or "nothing"

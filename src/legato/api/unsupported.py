"""Request fields that have no canonical form: refused by name, or dropped by policy."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from legato.api.body import refuse

_REMEDY = (
    "can't be carried to the provider behind this model; leave it out, or set drop_unsupported on "
    "the route"
)


def refuse_unknown(
    body: Mapping[str, Any],
    known: AbstractSet[str],
    *,
    neutral: Mapping[str, AbstractSet[Any]],
    place: str = "",
) -> None:
    """Refuse the first field that is neither known nor set to a value that asks for nothing.

    Raises:
        InvalidRequest: naming the field under `place`.
    """
    for field, value in body.items():
        if field in known or value is None:
            continue
        if isinstance(value, str | bool | int | float) and value in neutral.get(field, frozenset()):
            continue
        raise refuse(f"{place}{field}", _REMEDY)

"""Tables of one's own: a file says which column is what."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from legato.accounting.imports.cells import Cells, day_after
from legato.accounting.imports.conversations import asked_of
from legato.accounting.imports.reader import Asked, Reader
from legato.accounting.imports.row import Charge, UsageRow
from legato.core.errors import InvalidRequest
from legato.core.usage import TOKEN_CLASSES, Usage

_TEXTS: Final = (
    "vendor", "account", "project", "key", "model", "service", "sku", "region", "tier", "unit",
    "quantity", "currency", "invoice", "identity",
)  # fmt: skip
_OTHERS: Final = ("start", "end", "cost", "list_cost", "amortised_cost", "requests", "charge")
_ASKED: Final = "question"
FIELDS: Final = frozenset((*_TEXTS, *_OTHERS, *TOKEN_CLASSES, _ASKED))


class Mapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which column of the table is which field, and what is the same in all rows."""

    columns: dict[str, str]
    constants: dict[str, str] = msgspec.field(default_factory=dict)
    tags: list[str] = msgspec.field(default_factory=list)


def mapped_reader(path: Path) -> Reader:
    """Return a reader of tables that a YAML or JSON file describes.

    Raises:
        InvalidRequest: the file is not such a description; the message names the field.
    """
    try:
        said = msgspec.yaml.decode(path.read_bytes(), type=Mapped)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"mapping: {path} can't be read: {error}") from None
    for name in (*said.columns, *said.constants):
        if name not in FIELDS:
            raise InvalidRequest(
                f"mapping: {name!r} is no field of a row; give {', '.join(sorted(FIELDS))}"
            )
    for name in ("vendor", "start"):
        if name not in said.columns and name not in said.constants:
            raise InvalidRequest(f"mapping: {name} is missing: name its column, or a constant")
    return Reader(
        "table",
        "a table of one's own, by a mapping file",
        lambda names: set(said.columns.values()) <= names,
        lambda cells: _rows(said, _named(said, cells.values)),
        "the mapping file that came with it",
        lambda values: _asked(said, values),
        calls=_ASKED in said.columns,
    )


def _named(said: Mapped, values: Mapping[str, Any]) -> Cells:
    missing = sorted(set(said.columns.values()) - values.keys())
    if missing:
        raise InvalidRequest(f"mapping: the table has no column {missing[0]!r}")
    named: dict[str, Any] = {**said.constants}
    named |= {name: values[column] for name, column in said.columns.items()}
    named |= {f"tag:{one}": values.get(one) for one in said.tags}
    return Cells(named)


def _rows(said: Mapped, cells: Cells) -> Iterator[UsageRow]:
    start_ms = cells.time_ms("start")
    charge = cells.text("charge").lower()
    texts: dict[str, Any] = {name: cells.text(name) for name in _TEXTS if name != "currency"}
    yield UsageRow(
        source="table",
        start_ms=start_ms,
        end_ms=cells.time_ms("end") if cells.has("end") else day_after(start_ms),
        usage=Usage(**{name: cells.count(name) for name in TOKEN_CLASSES}),
        requests=1 if _ASKED in said.columns else cells.count_or_none("requests"),
        cost=cells.money("cost"),
        list_cost=cells.money("list_cost"),
        amortised_cost=cells.money("amortised_cost"),
        currency=cells.currency("currency"),
        charge=Charge(charge) if charge in set(Charge) else Charge.USAGE,
        tags=cells.tags("tag:"),
        **texts,
    )


def _asked(said: Mapped, values: Mapping[str, Any]) -> Asked | None:
    model = str(values.get(said.columns.get("model", ""), ""))
    return asked_of(values.get(said.columns.get(_ASKED, "")), {}, model)

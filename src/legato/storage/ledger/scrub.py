"""Makes a record storable: text without NUL, which Postgres refuses."""

from typing import Any

import msgspec

from legato.core.records import Record

_NUL = "\x00"
_SHOWN = "\ufffd"


def scrubbed(record: Record) -> Record:
    """Return the record with every NUL in its texts shown as the replacement character."""
    plain = msgspec.to_builtins(record)
    clean: Record = msgspec.convert(_clean(plain), type=Record)
    return clean


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_NUL, _SHOWN)
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value

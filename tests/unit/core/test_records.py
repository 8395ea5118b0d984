import msgspec
import pytest

from legato.core.records import (
    Intent,
    Progress,
    Record,
    Served,
    Settled,
    Voided,
    decode_served,
    encode_record,
    is_served,
)


def filled(kind: type[Record]) -> Record:
    """A record whose every field has the emptiest value of its type."""
    empty = {"int": 0, "str": "", "bool": False, "int | None": None}
    values = {}
    for field in msgspec.structs.fields(kind):
        name = getattr(field.type, "__name__", str(field.type))
        values[field.name] = empty.get(name, "r")
    return kind(**values)  # type: ignore[arg-type]


def test_only_served_records_are_taken_for_served() -> None:
    voided, progress = filled(Voided), filled(Progress)
    assert not is_served(encode_record(voided))
    assert not is_served(encode_record(progress))
    assert not is_served(encode_record(filled(Settled)))
    assert not is_served(encode_record(filled(Intent)))
    assert is_served(encode_record(filled(Served)))
    assert not is_served(b"")


def test_a_served_record_is_no_other() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_served(encode_record(filled(Voided)))

"""The bytes of an event: one form, whatever made it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.audit.acting import act_as, acting, acting_as
from legato.audit.event import VERSION, Actor, Event, Subject, event_of, leaf_of

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
DETAILS = st.dictionaries(
    TEXTS, st.none() | st.booleans() | TEXTS | st.integers(-(2**62), 2**62), max_size=5
)


def event(details: dict[str, str | int | bool | None], reason: str = "") -> Event:
    return Event(
        version=VERSION,
        index=3,
        org="acme",
        org_index=1,
        at_ns=1_700_000_000_000_000_000,
        actor=Actor("key", "k1"),
        action="key.create",
        subject=Subject("key", "k2"),
        outcome="done",
        reason=reason,
        request_id="r1",
        details=details,
    )


def test_the_bytes_are_these() -> None:
    assert leaf_of(event({"name": "ci", "a": 1})) == (
        b'{"action":"key.create","actor":{"id":"k1","kind":"key"},"at_ns":1700000000000000000,'
        b'"details":{"a":1,"name":"ci"},"index":3,"org":"acme","org_index":1,"outcome":"done",'
        b'"reason":"","request_id":"r1","subject":{"digest":"","id":"k2","kind":"key"},'
        b'"version":1}'
    )


@given(DETAILS, TEXTS)
def test_what_is_read_is_what_was_written(
    details: dict[str, str | int | bool | None], reason: str
) -> None:
    written = event(details, reason)
    leaf = leaf_of(written)
    assert b"\n" not in leaf
    assert event_of(leaf) == written


def test_another_form_is_refused() -> None:
    leaf = leaf_of(event({}))
    with pytest.raises(ValueError, match="canonical"):
        event_of(leaf.replace(b":", b": "))
    with pytest.raises(ValueError, match="no event"):
        event_of(leaf[:-1] + b',"more":1}')


def test_who_acts_is_of_the_context() -> None:
    with acting_as(Actor("key", "k1"), "r1"):
        assert acting().actor.id == "k1"
        act_as(Actor("operator", "ann"))
        assert acting().actor == Actor("operator", "ann")
    assert acting().actor == Actor("process", "legato")

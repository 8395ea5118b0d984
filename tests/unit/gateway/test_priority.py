from types import SimpleNamespace
from typing import Any

import pytest

from legato.core.principal import Principal
from legato.gateway.context import Call
from legato.gateway.priority import TAG, priority_of
from legato.routing.load.concurrency import Priority


@pytest.mark.parametrize(
    ("bound", "got"),
    [
        (None, Priority.HIGH),
        ("normal", Priority.NORMAL),
        ("low", Priority.LOW),
        (" Low ", Priority.LOW),
        ("lowest", Priority.LOW),
        ("", Priority.LOW),
    ],
)
def test_a_key_bounds_what_its_callers_may_say(bound: str | None, got: Priority) -> None:
    surface: Any = None
    source: Any = SimpleNamespace(header=lambda _name: b"high")
    call = Call("r", surface, source, 0)
    call.principal = Principal("k", "k", "o", "t", "f", tags={} if bound is None else {TAG: bound})
    assert priority_of(call) is got

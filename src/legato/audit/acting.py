"""Who acts in this context: of a request, a command or a process.

A context variable, because an act is recorded where it is written, floors below where its author
is known, and each store would have to carry the name through.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import msgspec

from legato.audit.event import Actor


class Acting(msgspec.Struct, frozen=True):
    """Who, and for which request."""

    actor: Actor
    request_id: str = ""


_LEGATO: Final = Acting(Actor("process", "legato"))
_ACTING: Final[ContextVar[Acting]] = ContextVar("legato_acting", default=_LEGATO)


def acting() -> Acting:
    """Return who acts here."""
    return _ACTING.get()


def act_as(actor: Actor, request_id: str = "") -> None:
    """From now on, and in what this context starts, it is this one who acts."""
    _ACTING.set(Acting(actor, request_id))


@contextmanager
def acting_as(actor: Actor, request_id: str = "") -> Iterator[None]:
    """Within the block it is this one who acts."""
    before = _ACTING.set(Acting(actor, request_id))
    try:
        yield
    finally:
        _ACTING.reset(before)

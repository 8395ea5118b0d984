"""What is served: a method and a path, and what a request to it passes."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal

Page = Callable[["Exchange"], Awaitable[None]]
"""Something that anyone may ask for."""
Resource = Callable[["Exchange", "Principal", str], Awaitable[None]]
"""Something behind a key: called with whom the key is of, and with what stands in the path's
`{id}`, "" where it has none."""


class SignedPage(msgspec.Struct, frozen=True):
    """Something that tells by a signature, not by a key, who sends it.

    Called with what stands in the path's `{id}`. Raises LegatoError.
    """

    answer: Callable[["Exchange", str], Awaitable[None]]


class Endpoint(msgspec.Struct, frozen=True):
    """One method and path. `surface` is empty where no model is called.

    `stages` are those that run, in order; one that runs within another stands before it.
    """

    method: str
    path: str
    surface: str
    stages: tuple[str, ...]

"""Trained routers as the registry has them: small, the predictor itself is kept beside it."""

from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.registry import DEFAULT_LABEL, Kind, checked_label, checked_name
from legato.registry.reading import ContentInvalid, problems_in, unplain

_PREFIX: Final = f"{Kind.ROUTER}/"


class Learned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a router knows of one deployment."""

    judged: Annotated[int, Meta(ge=1)]
    """Questions it was judged on."""
    mean: Annotated[float, Meta(ge=0, le=1)]


class RouterManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a version of a router."""

    model_digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the predictor, which is kept apart."""
    embedder: Annotated[str, Meta(min_length=1, max_length=200)]
    """What makes the vectors it is asked with."""
    questions: Annotated[int, Meta(ge=1)]
    deployments: Annotated[dict[str, Learned], Meta(min_length=1)]


class RouterReference(NamedTuple):
    """Which router a route asks: its name, and the label of the version."""

    name: str
    label: str


def check_router(content: Any) -> RouterManifest:
    """Return a router written as plain data.

    Raises:
        ContentInvalid: with all problems, each at its place.
    """
    if problems := list(unplain(content)) or problems_in(content, RouterManifest):
        raise ContentInvalid(Kind.ROUTER, problems)
    return msgspec.convert(content, RouterManifest)


def router_reference(text: str) -> RouterReference | None:
    """Read `router/NAME` or `router/NAME@LABEL`; None for the name of a file.

    Raises:
        InvalidRequest: the name or the label can't be one.
    """
    if not text.startswith(_PREFIX):
        return None
    name, at, label = text.removeprefix(_PREFIX).partition("@")
    try:
        return RouterReference(checked_name(name), checked_label(label) if at else DEFAULT_LABEL)
    except InvalidRequest as error:
        told = f"{error.message}; write router/NAME@LABEL, or ./{text} for a file"
        raise InvalidRequest(told, param="quality.router") from None

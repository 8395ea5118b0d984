"""Options under `settings` of providers of the kinds `gemini` and `vertex`."""

from typing import Annotated, Literal, TypeVar

import msgspec

from legato.core.errors import ConfigInvalid

_Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z_]{0,63}$")]
_Version = Annotated[str, msgspec.Meta(pattern=r"^v[0-9]+((alpha|beta)[0-9]*)?$")]
_Project = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9.-]{1,63}:)?[a-z0-9][a-z0-9-]{0,62}$")]
_Location = Annotated[str, msgspec.Meta(pattern=r"^[a-z]+(-[a-z]+[0-9]+)?$")]


class Safety(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which probability on a category is blocked, in Google's words."""

    category: _Word
    threshold: _Word


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What both kinds have.

    `include_thoughts`: a caller who asks the model to think gets the summary of its thoughts.
    """

    safety_settings: tuple[Safety, ...] = ()
    include_thoughts: bool = True


class GeminiSettings(Options, frozen=True):
    """Of the kind `gemini`."""

    api_version: _Version = "v1beta"


class VertexSettings(Options, frozen=True, kw_only=True):
    """Of the kind `vertex`. A publisher is whose models these are, and whose dialect."""

    project: _Project
    publisher: Literal["google", "anthropic"] = "google"
    anthropic_version: str = "vertex-2023-10-16"
    anthropic_beta: tuple[str, ...] = ()
    location: _Location = "global"
    api_version: _Version = "v1"


Read = TypeVar("Read", bound=Options)


def read_settings(given: dict[str, object], kind: type[Read], *, place: str) -> Read:
    """Return the options checked. Raises ConfigInvalid."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as problem:
        raise ConfigInvalid(f"{place}.settings: {problem}") from None

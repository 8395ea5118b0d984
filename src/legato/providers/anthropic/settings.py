"""Options under `settings` of a provider of kind `anthropic`."""

import msgspec

from legato.core.errors import ConfigInvalid


class AnthropicSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`version` is Anthropic's API version, `beta` the features asked for on each call."""

    version: str = "2023-06-01"
    beta: tuple[str, ...] = ()


def read_settings(given: dict[str, object], *, place: str) -> AnthropicSettings:
    """Return the options checked. Raises ConfigInvalid."""
    try:
        return msgspec.convert(given, AnthropicSettings)
    except msgspec.ValidationError as problem:
        raise ConfigInvalid(f"{place}.settings: {problem}") from None

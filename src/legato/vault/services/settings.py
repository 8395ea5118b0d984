"""What a key service is made with, checked."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, TypeVar

import msgspec

from legato.core.errors import ConfigInvalid

_PLACE = "vault.key_service"
Settings = TypeVar("Settings")


class KeyServiceSettings(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """`settings` as configured, and the texts of the secrets named beside them."""

    settings: dict[str, Any]
    secrets: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"KeyServiceSettings({sorted(self.settings)}, secrets: {sorted(self.secrets)})"

    def read(self, form: type[Settings], secrets: frozenset[str] = frozenset()) -> Settings:
        """Return the settings in the form of a kind that knows these secrets.

        Raises:
            ConfigInvalid: an option or a secret that the kind doesn't know, or a wrong value.
        """
        if unknown := self.secrets.keys() - secrets:
            known = ", ".join(sorted(secrets)) or "none"
            raise ConfigInvalid(f"{_PLACE}.secrets: {min(unknown)!r} is not known; known: {known}")
        try:
            return msgspec.convert(self.settings, form)
        except msgspec.ValidationError as problem:
            raise ConfigInvalid(f"{_PLACE}.settings: {problem}") from None


def require_extra(module: str, kind: str, extra: str) -> None:
    """Raise ConfigInvalid where the library of a kind isn't installed."""
    if find_spec(module) is None:
        raise ConfigInvalid(f"{_PLACE}.kind: {kind} needs the extra legato[{extra}]")

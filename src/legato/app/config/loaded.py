"""What loading the configuration yields."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from legato.core.config import Config
from legato.core.config_parts import SecretRef


class Secret:
    """A resolved secret. No way of printing it shows it; only `reveal` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself: for the one call that needs it, never for a message."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not serialised")


@dataclass(frozen=True)
class LoadedConfig:
    """A checked configuration.

    `sources` names where each value that is not a default came from, by path:
    `{"server.port": "environment LEGATO_SERVER__PORT"}`. `content_hash` covers everything but
    secret values; the ledger stamps it on each entry as the configuration's version.
    """

    config: Config
    secrets: Mapping[SecretRef, Secret] = field(repr=False)
    sources: Mapping[str, str]
    content_hash: str
    _renewed: dict[SecretRef, Secret] = field(default_factory=dict, repr=False, compare=False)

    def secret(self, reference: SecretRef | None) -> str | None:
        """Return the text a reference stands for, None for no reference or one to the vault."""
        if reference is None or reference.vault is not None:
            return None
        renewed = self._renewed.get(reference)
        return (self.secrets[reference] if renewed is None else renewed).reveal()

    def renew(self, secrets: Mapping[SecretRef, Secret]) -> None:
        """Take in what has changed where it is kept, for this process and those it forks."""
        self._renewed.update(secrets)

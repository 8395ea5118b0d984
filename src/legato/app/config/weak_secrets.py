"""Secrets of declared keys that somebody could guess.

They are warned of, never refused: an upgrade must not stop a gateway that serves.
"""

from collections.abc import Iterator, Mapping

import msgspec

from legato.app.config.loaded import LoadedConfig

ADMIN_KEY_VARIABLE = "LEGATO_ADMIN_KEY"
CHARACTERS_MIN = 24
"""Of letters and digits that is over 140 bits, of hex digits 96."""
DISTINCT_MIN = 8
"""Fewer different ones than this hardly come by chance among so many, even in hex."""
REMEDY = "Give it another secret, as from `openssl rand -hex 24`."


class WeakSecret(msgspec.Struct, frozen=True):
    """A key, as people call it, and why its secret can be guessed; never the secret."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"the secret of {self.key} {self.reason}"


def weak_secrets(loaded: LoadedConfig, environment: Mapping[str, str]) -> Iterator[WeakSecret]:
    """Yield the weak ones among the secrets that were read, and the first admin key's."""
    named = [(one.name, loaded.secrets.get(one.secret)) for one in loaded.config.keys]
    known = [(name, secret.reveal()) for name, secret in named if secret is not None]
    if given := environment.get(ADMIN_KEY_VARIABLE):
        known.append((ADMIN_KEY_VARIABLE, given))
    for name, secret in known:
        reason = _weakness(secret)
        if reason:
            yield WeakSecret(name, reason)


def _weakness(secret: str) -> str:
    if len(secret) < CHARACTERS_MIN:
        return f"has fewer than {CHARACTERS_MIN} characters"
    if len(set(secret)) < DISTINCT_MIN:
        return f"has fewer than {DISTINCT_MIN} different characters"
    return ""

import pytest

from legato.app.config.loaded import LoadedConfig, Secret
from legato.app.config.weak_secrets import weak_secrets
from legato.core.config import Config, Key
from legato.core.config_parts import SecretRef
from legato.vault.secrets import new_secret

REFERENCE = SecretRef(env="K")


def found(secret: str | None, **variables: str) -> list[str]:
    key = Key(name="ci", team="t", feature="f", secret=REFERENCE)
    secrets = {} if secret is None else {REFERENCE: Secret(secret)}
    loaded = LoadedConfig(Config(keys=[key]), secrets, {}, "")
    return [str(one) for one in weak_secrets(loaded, variables)]


MADE = pytest.param(new_secret(), id="made")  # each worker of pytest collects the same ids


@pytest.mark.parametrize("secret", [MADE, "0f3a9c5e7b1d2468ace013579bdf8642", None])
def test_a_long_secret_of_many_characters_is_good(secret: str | None) -> None:
    assert found(secret) == []


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("letmein", "has fewer than 24 characters"),
        ("x" * 23, "has fewer than 24 characters"),
        ("1234567" * 6, "has fewer than 8 different characters"),
    ],
)
def test_one_that_can_be_guessed_is_told_without_it(secret: str, reason: str) -> None:
    assert found(secret) == [f"the secret of ci {reason}"]
    assert found(None, LEGATO_ADMIN_KEY=secret) == [f"the secret of LEGATO_ADMIN_KEY {reason}"]

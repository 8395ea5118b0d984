from legato.vault.secrets import fingerprint, new_secret


def test_secrets_are_long_and_never_the_same() -> None:
    made = {new_secret() for _ in range(200)}
    assert len(made) == 200
    assert all(len(secret) == 46 and secret.startswith("lg-") for secret in made)


def test_a_fingerprint_shows_almost_nothing() -> None:
    secret = new_secret()
    assert fingerprint(secret) == f"lg-…{secret[-4:]}"

import pytest

from legato.vault.master import Vault


def test_every_purpose_and_every_vault_has_keys_of_its_own() -> None:
    one, other = Vault(b"1" * 32), Vault(b"2" * 32)
    assert len({one.subkey("a"), one.subkey("b"), other.subkey("a")}) == 3
    assert one.digest(b"lg-x") != other.digest(b"lg-x")


def test_a_user_has_another_pseudonym_in_each_organisation_and_vault() -> None:
    one, other = Vault(b"1" * 32), Vault(b"2" * 32)
    names = {one.pseudonym("acme", "ann"), one.pseudonym("umbrella", "ann")}
    assert len(names | {other.pseudonym("acme", "ann"), one.pseudonym("acme", "bob")}) == 4
    assert one.pseudonym("acme", "ann") in names
    assert all(len(name) == 24 for name in names)


def test_what_is_sealed_opens_only_in_its_context_and_unaltered() -> None:
    sealer = Vault(b"1" * 32).sealer("cache")
    sealed = sealer.seal(b"text", b"key")
    assert sealer.open(sealed, b"key") == b"text"
    for broken, context in [
        (sealed, b"other"),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"key"),
        (b"", b"key"),
    ]:
        with pytest.raises(ValueError, match="can't be opened"):
            sealer.open(broken, context)

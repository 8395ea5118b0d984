"""Who may act for a key: our own processes of this start, nobody else."""

import pytest

from legato.app.acting import Acting

KEY_ID = "0192f0c1a2b37c4d8e5f60718293a4b5"


def test_a_credential_names_its_key() -> None:
    acting = Acting(b"a" * 32)
    assert acting.acting_for(acting.credential(KEY_ID).encode()) == (KEY_ID, {})


def test_a_credential_carries_tags_that_nobody_can_change() -> None:
    acting = Acting(b"a" * 32)
    credential = acting.credential(KEY_ID, {"evaluation": "r1"})
    assert acting.acting_for(credential.encode()) == (KEY_ID, {"evaluation": "r1"})
    other = acting.credential(KEY_ID, {"evaluation": "r2"}).split(".")
    mixed = ".".join([*credential.split(".")[:2], other[2], credential.split(".")[3]])
    assert acting.acting_for(mixed.encode()) is None


@pytest.mark.parametrize(
    "forged",
    [
        Acting(b"b" * 32).credential(KEY_ID),
        Acting(b"a" * 32).credential(KEY_ID)[:-1],
        Acting(b"a" * 32).credential(KEY_ID).replace(KEY_ID, "f" * 32),
        f"legato-acting.{KEY_ID}.",
        f"legato-acting.{KEY_ID}.\xff\xfe",
        f"legato-acting.{KEY_ID}",
        "lg-some-secret",
        "",
    ],
)
def test_a_forged_one_names_none(forged: str) -> None:
    assert Acting(b"a" * 32).acting_for(forged.encode("latin-1")) is None

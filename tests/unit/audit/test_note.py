"""Signed notes: a known one of another implementation, and our checkpoints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.audit.merkle import EMPTY_ROOT
from legato.audit.note import Checkpoint, SigningKey, opened, read_checkpoint, read_key

# The example of the Go checksum database's package for notes.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = SigningKey(b"\x07" * 32)


def test_a_known_note_is_opened() -> None:
    assert opened(NOTE, read_key(KEY)) == TEXT
    assert str(read_key(KEY)) == KEY


def test_an_altered_note_is_not() -> None:
    with pytest.raises(ValueError, match="altered"):
        opened(NOTE.replace("answer", "anwser"), read_key(KEY))
    with pytest.raises(ValueError, match="didn't sign"):
        opened(NOTE, SIGNER.verifying)
    with pytest.raises(ValueError, match="no signed note"):
        opened(TEXT, read_key(KEY))


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_comes_back(size: int, root: bytes) -> None:
    made = Checkpoint(SIGNER.verifying.name, size, root)
    assert read_checkpoint(SIGNER.sign(made.text()), SIGNER.verifying) == made


@pytest.mark.parametrize(
    "text",
    ["legato\n3\nAAAA\n", "{origin}\n03\n{root}\n", "{origin}\n3\nAAAA\n", "{origin}\nx\n{root}\n"],
)
def test_other_texts_are_no_checkpoints(text: str) -> None:
    root = Checkpoint("", 0, EMPTY_ROOT).text().split("\n")[2]
    said = text.format(origin=SIGNER.verifying.name, root=root)
    with pytest.raises(ValueError, match="checkpoint"):
        read_checkpoint(SIGNER.sign(said), SIGNER.verifying)


def test_a_verifier_key_is_checked() -> None:
    with pytest.raises(ValueError, match="no verifier key"):
        read_key(KEY.replace("c74f20a3", "c74f20a4"))
    with pytest.raises(ValueError, match="base64"):
        read_key("name+00+?")


def test_a_note_ends_its_last_line() -> None:
    with pytest.raises(ValueError, match="line feed"):
        SIGNER.sign("legato")

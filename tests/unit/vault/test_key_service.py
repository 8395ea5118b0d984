import base64
from pathlib import Path

import pytest

from legato.vault.key_service import LocalKeys, VaultUnusable, master_id, read_master
from legato.vault.services.directory import DirectoryKeys

OLD, NEW = b"o" * 32, b"n" * 32


def test_the_first_key_wraps_and_every_key_unwraps() -> None:
    wrapped = LocalKeys([OLD]).wrap(b"data key", b"context")
    both = LocalKeys([NEW, OLD])
    assert both.current_id == master_id(NEW)
    assert both.unwrap(master_id(OLD), wrapped, b"context") == b"data key"


def test_a_wrapped_key_is_bound_to_its_context_and_its_master() -> None:
    service = LocalKeys([OLD])
    wrapped = service.wrap(b"data key", b"context")
    with pytest.raises(VaultUnusable, match="altered"):
        service.unwrap(service.current_id, wrapped, b"another")
    with pytest.raises(VaultUnusable, match="master_key_previous"):
        LocalKeys([NEW]).unwrap(service.current_id, wrapped, b"context")


@pytest.mark.parametrize("text", [base64.b64encode(OLD).decode() + "\n", OLD.hex()])
def test_a_master_key_is_read_as_base64_or_hex(text: str) -> None:
    assert read_master(text, "vault.master_key") == OLD


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not a key at all, but a secret", "z" * 64])
def test_what_is_no_master_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(VaultUnusable, match=r"vault\.master_key") as caught:
        read_master(text, "vault.master_key")
    assert not text or text not in caught.value.message


def test_the_last_name_of_a_folder_is_current_and_older_ones_unwrap(tmp_path: Path) -> None:
    keys = DirectoryKeys(tmp_path)
    with pytest.raises(VaultUnusable, match="no master key"):
        keys.wrap(b"k", b"c")
    (tmp_path / "2026-08.key").write_text(OLD.hex())
    wrapped = keys.wrap(b"data key", b"c")
    assert keys.current_id == "2026-08"
    (tmp_path / "2026-11.key").write_text(NEW.hex())
    assert keys.current_id == "2026-11"
    assert keys.unwrap("2026-08", wrapped, b"c") == b"data key"
    with pytest.raises(VaultUnusable, match="2027"):
        keys.unwrap("../2027", wrapped, b"c")

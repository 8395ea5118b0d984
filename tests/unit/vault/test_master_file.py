import os
import resource
from pathlib import Path

import pytest

from legato.vault.key_service import VaultUnusable
from legato.vault.master_file import begin_rotation, finish_rotation, open_master_file


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    first, second = open_master_file(path), open_master_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert first.current_id == second.current_id
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_a_leftover_of_a_start_cut_off_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    leftover = tmp_path / f"master.key.{os.getpid()}.part"
    leftover.write_bytes(bytes(32))
    keys = open_master_file(path)
    assert path.read_bytes() != bytes(32)
    assert begin_rotation(path).current_id != keys.current_id


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    open_master_file(path)
    path.chmod(0o640)
    with pytest.raises(VaultUnusable, match="chmod 600"):
        open_master_file(path)


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(VaultUnusable, match="backup"):
        open_master_file(path)


def test_while_a_rotation_is_cut_off_both_keys_are_at_hand(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    old = open_master_file(path)
    under_old = old.wrap(b"a", b"")
    coming = begin_rotation(path)
    under_new = coming.wrap(b"b", b"")
    cut_off = open_master_file(path)
    assert cut_off.unwrap(old.current_id, under_old, b"") == b"a"
    assert cut_off.unwrap(coming.current_id, under_new, b"") == b"b"
    assert begin_rotation(path).current_id == coming.current_id, "taken up, not begun anew"
    finish_rotation(path)
    assert open_master_file(path).current_id == coming.current_id
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_a_full_disk_keeps_nobody_from_the_key_that_is_there(tmp_path: Path) -> None:
    known = open_master_file(tmp_path / "master.key").current_id
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        assert open_master_file(tmp_path / "master.key").current_id == known
        with pytest.raises(VaultUnusable, match=r"other\.key can't be made: file too large"):
            open_master_file(tmp_path / "other.key")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [one.name for one in tmp_path.iterdir()] == ["master.key"]

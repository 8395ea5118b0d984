"""A mirror is verified by its files alone, and names the first event that isn't as it was."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from legato.audit.merkle import leaf_hash
from legato.audit.tiles import bundled
from legato.cli.main import main
from legato.offsite.destination import Copied
from legato.offsite.files import FileObjects
from legato.offsite.mirror import Mirror
from memory_log import MemoryLog

SIZE = 700
LAST = "tile/entries/002.p/188"


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    return MemoryLog(SIZE)


@pytest.fixture
def mirror(log: MemoryLog, tmp_path: Path) -> Path:
    folder, before = tmp_path / "mirror", Copied(0, b"")
    for size in (300, 600, SIZE):
        Mirror(FileObjects(folder)).copy(log, before, size)
        before = log.held(size)
    return folder


def verified(folder: Path, log: MemoryLog, *words: str) -> Result:
    """Look at it where there is no instance at all."""
    nowhere = str(folder.parent / "nowhere")
    said = ["audit", "verify", str(folder), "--key", str(log.key), "--data", nowhere, "--json"]
    return CliRunner().invoke(main, [*said, *words])


def fault(done: Result) -> tuple[int, int]:
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)["fault"]
    return told["index"], told["end"]


def rewritten(
    folder: Path, place: str, change: Callable[[list[bytes]], object], *, hashes: bool = False
) -> None:
    """Change the events of a bundle, and on request their hashes as well."""
    file = folder / "tile" / "entries" / place
    leaves = bundled(file.read_bytes())
    change(leaves)
    file.write_bytes(b"".join(len(one).to_bytes(2) + one for one in leaves))
    if hashes:
        (folder / "tile" / "0" / place).write_bytes(b"".join(map(leaf_hash, leaves)))


def edit(leaves: list[bytes]) -> None:
    leaves[10] = leaves[10].replace(b'"done"', b'"dune"')


def delete(leaves: list[bytes]) -> None:
    del leaves[10]


def swap(leaves: list[bytes]) -> None:
    leaves[10], leaves[11] = leaves[11], leaves[10]


def cut(leaves: list[bytes]) -> None:
    del leaves[10:]


def test_a_whole_mirror_is_said_to_be(mirror: Path, log: MemoryLog) -> None:
    done = verified(mirror, log)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["events"] == SIZE
    told = CliRunner().invoke(main, ["audit", "verify", str(mirror)])
    assert told.exit_code == 0
    assert "compare it" in told.stderr


@pytest.mark.parametrize("change", [edit, delete, swap, cut])
def test_a_changed_mirror_names_its_event(
    mirror: Path, log: MemoryLog, change: Callable[[list[bytes]], None]
) -> None:
    rewritten(mirror, "001", change)
    assert fault(verified(mirror, log)) == (266, 267)


@pytest.mark.parametrize("change", [edit, delete, swap, cut])
def test_with_the_hashes_a_checkpoint_bounds_where(
    mirror: Path, log: MemoryLog, change: Callable[[list[bytes]], None]
) -> None:
    rewritten(mirror, "001", change, hashes=True)
    first, end = fault(verified(mirror, log))
    assert first <= 266 < end <= 600


def test_a_bundle_that_is_cut_off_or_gone_is_told(mirror: Path, log: MemoryLog) -> None:
    file = mirror / LAST
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])
    assert fault(verified(mirror, log)) == (SIZE - 1, SIZE)
    file.unlink()
    assert fault(verified(mirror, log)) == (512, 513)


def test_a_mirror_that_was_set_back_is_shown_by_a_checkpoint(
    mirror: Path, log: MemoryLog, tmp_path: Path
) -> None:
    shutil.copy(mirror / "checkpoint", tmp_path / "kept")
    shutil.copy(mirror / "checkpoints" / f"{600:012d}", mirror / "checkpoint")
    assert verified(mirror, log).exit_code == 0, "its own say that there were 700, and it has them"
    (mirror / "checkpoints" / f"{SIZE:012d}").unlink()
    cut_at = 600 - 512
    rewritten(mirror, "002.p/188", lambda leaves: leaves.__delitem__(slice(cut_at, None)))
    (mirror / LAST).rename(mirror / "tile/entries/002.p/88")
    shutil.copy(mirror / "tile/0/002.p/188", mirror / "tile/0/002.p/88")
    (mirror / "tile/0/002.p/88").write_bytes(
        (mirror / "tile/0/002.p/88").read_bytes()[: cut_at * 32]
    )
    assert verified(mirror, log).exit_code == 0, "a log of 600, as far as it can tell itself"
    done = verified(mirror, log, "--checkpoint", str(tmp_path / "kept"))
    assert fault(done) == (600, 601)


def test_a_forked_history_is_shown_by_a_checkpoint(
    mirror: Path, log: MemoryLog, tmp_path: Path
) -> None:
    other = MemoryLog(SIZE, name="x")
    kept = tmp_path / "kept"
    kept.write_text(other.checkpoint(500))
    assert fault(verified(mirror, log, "--checkpoint", str(kept))) == (0, 500)


def test_another_key_did_not_sign_it(mirror: Path, log: MemoryLog) -> None:
    (mirror / "checkpoint").write_text((mirror / "checkpoint").read_text().replace("700", "699"))
    done = verified(mirror, log)
    assert done.exit_code == 1
    assert "checkpoint" in done.stderr

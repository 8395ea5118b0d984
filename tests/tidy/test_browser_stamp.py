"""Whether `make` remembers a browser that was never installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("make", "sh", "mkdir", "touch", "find")


def stamped(folder: Path, *, apt_status: int, brings: bool) -> bool:
    """Make the stamp by an `apt-get` that ends so, as root; return whether it is left."""
    programs = folder / "bin"
    programs.mkdir()
    for name in NEEDED:
        (programs / name).symlink_to(str(shutil.which(name)))
    made = f"[ $2 = update ] || ln -s {programs}/sh {programs}/chromium" if brings else ":"
    link = f"PATH={Path(str(shutil.which('ln'))).parent}"
    scripts = {"apt-get": f"{link}\n{made}\nexit {apt_status}", "id": "echo 0"}
    for name, script in scripts.items():
        (programs / name).write_text(f"#!{programs}/sh\n{script}\n")
        (programs / name).chmod(0o755)
    shutil.copy(ROOT / "Makefile", folder)
    command = [str(programs / "make"), "--silent", ".make/browser"]
    subprocess.run(command, cwd=folder, env={"PATH": str(programs)}, check=True)
    return (folder / ".make" / "browser").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize(
    ("apt_status", "brings", "left"),
    [(0, True, True), (100, False, False), (0, False, False)],
    ids=["installed", "failed", "said nothing and brought nothing"],
)
def test_the_stamp_is_left_where_there_is_a_browser(
    tmp_path: Path, apt_status: int, *, brings: bool, left: bool
) -> None:
    assert stamped(tmp_path, apt_status=apt_status, brings=brings) is left

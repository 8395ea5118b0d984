"""Legato starts and serves where nothing but loopback exists: in a network of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS up
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError as error:
    assert error.errno == 101, error  # network is unreachable
else:
    sys.exit("there is a network")
os.execv(sys.argv[1], sys.argv[1:])
"""


def cut_off() -> list[str]:
    """The command that runs another in a network of its own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    for command in ([unshare, "--net"], [unshare, "--user", "--map-root-user", "--net"]):
        full = [*command, sys.executable, "-c", LOOPBACK_UP]
        if subprocess.run([*full, "/bin/true"], capture_output=True, check=False).returncode == 0:
            return full
    pytest.skip("this user may not make a network namespace")


@pytest.mark.parametrize("module", ["test_openai_sdk.py", "test_local_model.py"])
def test_the_same_tests_pass_without_a_network(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*cut_off(), *command, "--basetemp", str(tmp_path / "inner"), str(TESTS / module)],
        cwd=TESTS.parents[2],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    if not re.search(r"^\d+ passed", done.stdout, re.MULTILINE):
        pytest.skip(f"{module} is skipped here with a network, too")

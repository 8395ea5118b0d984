"""A source tree's files, in order, without what isn't its own; bounded whatever is there."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from legato.code_audit.ignoring import FOREIGN, Pattern, ignored, read_patterns

PYTHON: Final = frozenset({".py", ".pyi"})
SCRIPTS: Final = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"})
_MANIFESTS: Final = frozenset(
    {"pyproject.toml", "setup.py", "requirements.txt", "package.json", "Dockerfile", "go.mod"}
)
_GENERATED: Final = (".min.js", ".bundle.js", ".d.ts")
_DEPTH_MAX: Final = 60
_IGNORE_BYTES_MAX: Final = 1 << 18
Levels = tuple[tuple[str, tuple[Pattern, ...]], ...]


class Limits(msgspec.Struct, frozen=True):
    """Where a walk ends."""

    files_max: int = 200_000
    bytes_max: int = 2 << 20
    """Of one file: what is larger was made by a tool."""


class SourceFile(msgspec.Struct, frozen=True):
    """One file: its path below the root, and the service it belongs to."""

    path: str
    service: str
    size: int

    @property
    def suffix(self) -> str:
        """What its name ends with."""
        return os.path.splitext(self.path)[1]  # noqa: PTH122 - a path of another tree


class Walk:
    """Yields the files of one tree; what it left out is counted."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self.ignored = 0
        self.too_large: list[str] = []
        self.cut_off = False

    def files(self) -> Iterator[SourceFile]:
        """Yield them in order of their paths; links are not followed."""
        waiting: list[tuple[str, str, Levels, int]] = [("", "", (), 0)]
        count = 0
        while waiting:
            folder, service, levels, depth = waiting.pop()
            entries = self._entries(folder)
            names = {entry.name for entry in entries}
            if ".gitignore" in names:
                levels = (*levels, (folder, self._patterns(folder)))
            if folder and names & _MANIFESTS:
                service = folder
            below = []
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    is_file = entry.is_file(follow_symlinks=False)
                except OSError:
                    continue
                if is_folder:
                    if entry.name in FOREIGN or ignored(path, folder=True, levels=levels):
                        self.ignored += 1
                    elif depth < _DEPTH_MAX:
                        first = service or path.partition("/")[0]
                        below.append((path, first, levels, depth + 1))
                elif is_file and self._wanted(entry.name):
                    if ignored(path, folder=False, levels=levels):
                        self.ignored += 1
                        continue
                    size = entry.stat(follow_symlinks=False).st_size
                    if size > self._limits.bytes_max:
                        self.too_large.append(path)
                        continue
                    count += 1
                    if count > self._limits.files_max:
                        self.cut_off = True
                        return
                    yield SourceFile(path, service, size)
            waiting.extend(reversed(below))

    def _entries(self, folder: str) -> list["os.DirEntry[str]"]:
        try:
            with os.scandir(self._root / folder) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError:
            return []

    def _patterns(self, folder: str) -> tuple[Pattern, ...]:
        try:
            with (self._root / folder / ".gitignore").open("rb") as file:
                return read_patterns(file.read(_IGNORE_BYTES_MAX).decode("utf-8", "replace"))
        except OSError:
            return ()

    def _wanted(self, name: str) -> bool:
        if name.endswith(_GENERATED):
            return False
        return os.path.splitext(name)[1] in PYTHON | SCRIPTS  # noqa: PTH122

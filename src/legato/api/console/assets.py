"""The files of a built console: found once for each build, read when somebody asks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

INDEX: Final = "index.html"
STAMP: Final = "stamp"
HASHED: Final = "assets/"
"""What is below it has the hash of its content in its name."""
_PACKED: Final = {"br": ".br", "gzip": ".gz"}
"""Encodings in the order in which they are preferred, and how their twins' names end."""
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Other files are not served."""
_REFUSED: Final = re.compile(r"q\s*=\s*0(\.0*)?")


class Asset(msgspec.Struct, frozen=True):
    """One file, and the encodings in which it lies there."""

    name: str
    path: Path
    media_type: str
    encodings: tuple[str, ...]

    @property
    def is_hashed(self) -> bool:
        """Whether another content would have another name."""
        return self.name.startswith(HASHED)

    def read(self, encoding: str = "") -> bytes:
        """Return the content, packed where an encoding is named. Raises OSError."""
        ending = _PACKED[encoding] if encoding else ""
        return self.path.with_name(self.path.name + ending).read_bytes()

    def encoding_for(self, accepted: str) -> str:
        """Return the best encoding that an Accept-Encoding takes, "" for none."""
        taken = set(_taken(accepted))
        return next((one for one in self.encodings if one in taken), "")


class Build(msgspec.Struct, frozen=True):
    """All files of one build, by their names below `/ui/`."""

    stamp: str
    """Hash of the sources they were built from."""
    assets: dict[str, Asset]


class Builds:
    """Follows a folder: a console that is built while the server runs is served."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[int, int] | None = None
        self._build: Build | None = None

    def current(self) -> Build | None:
        """Return the build that lies there, None where there is none; blocking."""
        try:
            written = (self._folder / STAMP).stat()  # written last
            seen = (written.st_mtime_ns, written.st_ino)
            if seen != self._seen:
                self._build = _read(self._folder)
                self._seen = seen
        except OSError:
            self._seen = self._build = None
        return self._build


def _read(folder: Path) -> Build:
    files = {one.relative_to(folder).as_posix(): one for one in folder.rglob("*") if one.is_file()}
    assets = {
        name: Asset(name, path, _TYPES[path.suffix], _packed_of(name, files))
        for name, path in files.items()
        if path.suffix in _TYPES
    }
    return Build((folder / STAMP).read_text("ascii").strip(), assets)


def _packed_of(name: str, files: dict[str, Path]) -> tuple[str, ...]:
    return tuple(encoding for encoding, ending in _PACKED.items() if name + ending in files)


def _taken(accepted: str) -> Iterator[str]:
    for part in accepted.lower().split(","):
        name, *terms = (one.strip() for one in part.split(";"))
        if not any(
            term.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for term in terms
        ):
            yield name

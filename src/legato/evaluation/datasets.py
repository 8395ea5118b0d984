"""Data sets: a version in the registry, which names its cases by their digest, and the cases.

The cases are kept apart, sealed in blocks: a version of 100,000 cases would be too long to be
opened by everybody who only wants to know that it is there.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest, NotFound
from legato.evaluation.scoring import Case
from legato.registry.reading import ContentInvalid, problems_in
from legato.storage.datasets import DatasetBlocks

BLOCK_CASES: Final = 100
_decode = msgspec.json.Decoder(list[Case]).decode


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a version of a data set."""

    cases: Annotated[int, Meta(ge=1)]
    cases_digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Of the cases, in their order."""
    characters: Annotated[int, Meta(ge=0)]
    """Of all inputs together: what a run will cost is estimated from it."""
    splits: dict[str, int] = {}
    """How many cases each split has; "" is in none."""


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Datasets:
    """One organisation's cases. Every method may raise StorageUnavailable."""

    def __init__(self, org: str, blocks: DatasetBlocks, sealing: Sealing) -> None:
        self._org = org
        self._blocks = blocks
        self._sealing = sealing

    def keep(self, cases: Sequence[Case]) -> Manifest:
        """Keep cases and return what names them; the same cases are kept once."""
        encoded = [msgspec.json.encode(case, order="sorted") for case in cases]
        digest = sha256(b"\n".join(encoded)).hexdigest()
        splits: dict[str, int] = {}
        for case in cases:
            splits[case.split] = splits.get(case.split, 0) + 1
        self._blocks.keep(digest, self._sealed(digest, encoded))
        characters = sum(input_characters(case) for case in cases)
        return Manifest(len(cases), digest, characters, dict(sorted(splits.items())))

    def require(self, manifest: Manifest) -> None:
        """Return where the cases are here. Raises NotFound: they were imported elsewhere."""
        self.require_cases(manifest.cases_digest, manifest.cases)

    def require_cases(self, digest: str, cases: int) -> None:
        """Return where so many cases are under a digest. Raises NotFound."""
        if self._blocks.count(digest) != cases:
            msg = "dataset: its cases aren't in this database; import its file here"
            raise NotFound(msg, param="dataset")

    def block(self, digest: str, number: int) -> list[Case]:
        """Return the cases of one block. Raises NotFound, InvalidRequest."""
        sealed = self._blocks.block(digest, number)
        if sealed is None:
            msg = f"dataset: block {number} of its cases isn't in this database"
            raise NotFound(msg, param="dataset")
        return self._opened(digest, number, sealed)

    def read(self, digest: str) -> Iterator[Case]:
        """Yield every case, in order. Raises InvalidRequest: its key was destroyed."""
        for number, sealed in self._blocks.read(digest):
            yield from self._opened(digest, number, sealed)

    def _sealed(self, digest: str, encoded: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
        for number, first in enumerate(range(0, len(encoded), BLOCK_CASES)):
            block = encoded[first : first + BLOCK_CASES]
            data = b"[" + b",".join(block) + b"]"
            yield len(block), self._sealing.seal(self._org, data, _context(digest, number))

    def _opened(self, digest: str, number: int, sealed: bytes) -> list[Case]:
        try:
            data = self._sealing.open(self._org, sealed, _context(digest, number))
        except ValueError:
            msg = "dataset: its cases can't be opened: their key is gone"
            raise InvalidRequest(msg, param="dataset") from None
        return _decode(data)


def check_manifest(content: Any) -> Manifest:
    """Return a data set's version written as plain data. Raises ContentInvalid."""
    problems = problems_in(content, Manifest)
    if problems:
        raise ContentInvalid("dataset", problems)
    return msgspec.convert(content, Manifest)


def input_characters(case: Case) -> int:
    """Return how long a case's input is."""
    return len(msgspec.json.encode([case.messages, case.variables]).decode())


def _context(digest: str, number: int) -> bytes:
    return f"dataset\x00{digest}\x00{number}".encode()

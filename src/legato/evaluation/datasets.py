"""Data sets: a version in the registry, which names its cases by their digest, and the cases.

The cases are kept apart, sealed in blocks: a version of 100,000 cases would be too long to be
opened by everybody who only wants to know that it is there.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from legato.core.errors import Erased, NotFound
from legato.core.origin import NO_ORIGIN
from legato.evaluation.scoring import Case
from legato.registry.reading import ContentInvalid, problems_in
from legato.storage.evaluation.datasets import DatasetBlocks, KeptCases, NewBlock

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
        self.org = org
        self._blocks = blocks
        self._sealing = sealing

    def keep(self, cases: Sequence[Case]) -> Manifest:
        """Keep cases and return what names them; the same cases are kept once.

        Raises:
            Conflict: one was erased; see `not_erased`.
        """
        encoded = [_encode(case) for case in cases]
        digest = sha256(b"\n".join(encoded)).hexdigest()
        splits: dict[str, int] = {}
        for case in cases:
            splits[case.split] = splits.get(case.split, 0) + 1
        self._blocks.keep(digest, self._sealed(digest, cases, encoded))
        characters = sum(input_characters(case) for case in cases)
        return Manifest(len(cases), digest, characters, dict(sorted(splits.items())))

    def kept(self) -> list[KeptCases]:
        """Return what there is under each digest."""
        return self._blocks.kept()

    def delete(self, digest: str) -> int:
        """Delete the cases under a digest; return how many there were."""
        return self._blocks.delete(digest)

    def require(self, manifest: Manifest) -> None:
        """Return where the cases are here. Raises NotFound: they were imported elsewhere."""
        self.require_cases(manifest.cases_digest, manifest.cases)

    def require_cases(self, digest: str, cases: int) -> None:
        """Return where so many cases are under a digest. Raises NotFound."""
        if self._blocks.count(digest) != cases:
            msg = (
                "dataset: its cases aren't in this database: they were deleted, or never "
                "imported here; import its file"
            )
            raise NotFound(msg, param="dataset")

    def block(self, digest: str, number: int) -> list[Case]:
        """Return the cases of one block. Raises NotFound, Erased."""
        sealed = self._blocks.block(digest, number)
        if sealed is None:
            msg = f"dataset: block {number} of its cases isn't in this database"
            raise NotFound(msg, param="dataset")
        return self._opened(digest, number, sealed)

    def read(self, digest: str) -> Iterator[Case]:
        """Yield every case, in order. Raises Erased: its key was destroyed."""
        for number, sealed in self._blocks.read(digest):
            yield from self._opened(digest, number, sealed)

    def not_erased(self, cases: Sequence[Case]) -> list[Case]:
        """Return the cases whose requests nobody has erased."""
        origins = {one.origin for one in cases if one.origin != NO_ORIGIN}
        gone = self._blocks.erased(origins)
        return [one for one in cases if one.origin not in gone]

    def erased(self, digest: str, split: str = "") -> int:
        """Return how many cases were erased: of a split, or of all. Raises Erased."""
        found = (self.block(digest, number) for number in self._blocks.with_erased(digest))
        return sum(case.erased and split in {"", case.split} for cases in found for case in cases)

    def fitting(self, fits: Callable[[Case], bool]) -> Iterator[tuple[str, Case]]:
        """Yield each case that fits, in every version, with the version's digest.

        What can't be opened, since its key was destroyed, is passed over.
        """
        for kept in self._blocks.kept():
            for number, sealed in self._blocks.read(kept.digest):
                try:
                    cases = self._opened(kept.digest, number, sealed)
                except Erased:
                    continue
                yield from ((kept.digest, one) for one in cases if not one.erased and fits(one))

    def erase(self, fits: Callable[[Case], bool], *, dry_run: bool = False) -> int:
        """Put an empty case in the place of each that fits, in every version; return how many.

        The others keep their numbers, by which recorded answers know them. The digest goes on
        naming the version; that a block is whole is proven by its seal, not by the digest.
        What can't be opened, since its key was destroyed, is passed over.
        """
        total = 0
        for kept in self._blocks.kept():
            for number, sealed in self._blocks.read(kept.digest):
                try:
                    cases = self._opened(kept.digest, number, sealed)
                except Erased:
                    continue
                after = [_emptied(one) if not one.erased and fits(one) else one for one in cases]
                found = sum(one is not other for one, other in zip(cases, after, strict=True))
                if found and not dry_run:
                    erased = sum(one.erased for one in after)
                    encoded = [_encode(one) for one in after]
                    self._blocks.rewrite(
                        kept.digest, number, self._seal(kept.digest, number, encoded), erased=erased
                    )
                total += found
        return total

    def _sealed(
        self, digest: str, cases: Sequence[Case], encoded: Sequence[bytes]
    ) -> Iterator[NewBlock]:
        for number, first in enumerate(range(0, len(encoded), BLOCK_CASES)):
            some = cases[first : first + BLOCK_CASES]
            block = encoded[first : first + BLOCK_CASES]
            origins = frozenset(one.origin for one in some if one.origin != NO_ORIGIN)
            yield NewBlock(len(some), self._seal(digest, number, block), origins)

    def _seal(self, digest: str, number: int, encoded: Sequence[bytes]) -> bytes:
        data = b"[" + b",".join(encoded) + b"]"
        return self._sealing.seal(self.org, data, _context(digest, number))

    def _opened(self, digest: str, number: int, sealed: bytes) -> list[Case]:
        try:
            data = self._sealing.open(self.org, sealed, _context(digest, number))
        except ValueError:
            msg = "dataset: its cases can't be opened: their key is gone"
            raise Erased(msg, param="dataset") from None
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


def _emptied(case: Case) -> Case:
    return Case(id="erased", split=case.split, weight=case.weight, erased=True)


def _encode(case: Case) -> bytes:
    return msgspec.json.encode(case, order="sorted")


def _context(digest: str, number: int) -> bytes:
    return f"dataset\x00{digest}\x00{number}".encode()

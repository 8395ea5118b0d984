"""Trained predictors that are kept in the database, and the vectors in them that are erased.

A predictor holds a vector of each question it learned from. Beside it stands whose question each
was, so that erasing somebody takes theirs out; the digest goes on naming the version. What is
averaged over all questions stays.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec

from legato.core.errors import Conflict, Erased, NotFound
from legato.core.origin import Origin
from legato.routing.quality.model import QualityModel
from legato.storage.registry.routers import RouterModels, SealedRouter


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed: the predictor's file, and by question whose it was."""

    content: bytes
    origins: tuple[tuple[Origin, ...], ...]


class KeptModel(NamedTuple):
    """A predictor, and how many of its questions were erased."""

    model: QualityModel
    erased: int


class Routers:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, org: str, store: RouterModels, sealing: Sealing) -> None:
        self._org = org
        self._store = store
        self._sealing = sealing

    def keep(self, content: bytes, origins: Sequence[frozenset[Origin]]) -> str:
        """Keep a predictor's file with each question's origins; return its digest.

        Raises:
            Conflict: some of it is of a request that was erased.
        """
        digest = sha256(content).hexdigest()
        before = self._store.get(digest)
        if before is not None and before.erased:
            msg = "router: this very one is kept already, and some of it was erased; train it again"
            raise Conflict(msg, param="router")
        if before is not None:  # the same may have been learned from others, too
            known = self._opened(before).origins
            origins = [one.union(other) for one, other in zip(origins, known, strict=True)]
        named = tuple(tuple(sorted(one, key=str)) for one in origins)
        sealed = self._seal(digest, _Kept(content, named))
        everybody = frozenset[Origin]().union(*origins)
        self._store.keep(SealedRouter(digest, sealed, len(origins), 0), everybody)
        return digest

    def holds(self, digest: str) -> bool:
        """Whether a predictor is in this database."""
        return self._store.holds(digest)

    def content(self, digest: str) -> bytes:
        """Return a predictor's file, without what was erased. Raises NotFound, Erased."""
        return self._opened(self._found(digest)).content

    def open(self, digest: str) -> KeptModel:
        """Return a predictor.

        Raises:
            NotFound: it isn't in this database.
            Erased: its key was destroyed.
            UnreadableModel: it is of another format.
        """
        found = self._found(digest)
        return KeptModel(QualityModel.from_bytes(self._opened(found).content), found.erased)

    def erased(self, digest: str) -> int:
        """Return how many questions of a predictor were erased."""
        return self._store.erased(digest)

    def fitting(self, fits: Callable[[Origin], bool]) -> Iterator[tuple[str, list[Origin]]]:
        """Yield the origins that fit of each question that has any, with the predictor's digest."""
        for digest in self._store.digests():
            found = self._store.get(digest)
            if found is None:
                continue
            try:
                kept = self._opened(found)
            except Erased:
                continue
            for origins in kept.origins:
                if named := [one for one in origins if fits(one)]:
                    yield digest, named

    def erase(self, fits: Callable[[Origin], bool], *, dry_run: bool = False) -> int:
        """Take out the vector of every question with an origin that fits; return how many."""
        total = 0
        for digest in self._store.digests():
            found = self._store.get(digest)
            if found is None:
                continue
            try:
                kept = self._opened(found)
            except Erased:
                continue
            stay = [row for row, one in enumerate(kept.origins) if not any(map(fits, one))]
            gone = len(kept.origins) - len(stay)
            if gone and not dry_run:
                model = QualityModel.from_bytes(kept.content).with_only(stay)
                rest = _Kept(model.to_bytes(), tuple(kept.origins[row] for row in stay))
                sealed, erased = self._seal(digest, rest), found.erased + gone
                self._store.rewrite(SealedRouter(digest, sealed, found.questions, erased))
            total += gone
        return total

    def _found(self, digest: str) -> SealedRouter:
        found = self._store.get(digest)
        if found is None:
            msg = (
                "router: its predictor isn't in this database: apply a directory that "
                "`legato export` wrote where it was trained, or train it here"
            )
            raise NotFound(msg, param="router")
        return found

    def _seal(self, digest: str, kept: _Kept) -> bytes:
        return self._sealing.seal(self._org, msgspec.msgpack.encode(kept), _context(digest))

    def _opened(self, found: SealedRouter) -> _Kept:
        try:
            opened = self._sealing.open(self._org, found.sealed, _context(found.digest))
        except ValueError:
            msg = "router: its predictor can't be opened: its key is gone"
            raise Erased(msg, param="router") from None
        return msgspec.msgpack.decode(opened, type=_Kept)


def _context(digest: str) -> bytes:
    return f"router\x00{digest}".encode()

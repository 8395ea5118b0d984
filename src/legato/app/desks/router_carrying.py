"""Predictors of trained routers, as files beside a directory's documents.

A document names its predictor by its SHA-256, and so is its file.
"""

import os
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from legato.core.errors import InvalidRequest, NotFound, OperatorError
from legato.core.registry import Kind
from legato.registry.documents import Document

if TYPE_CHECKING:
    from legato.evaluation.routing.kept import Routers

_NAME: Final = re.compile(r"([0-9a-f]{64})\.router")


def predictors_in(directory: Path) -> dict[str, Path]:
    """Return the files of predictors below a directory, by their digests."""
    found = {}
    for file in sorted(directory.rglob("*.router")):
        named = _NAME.fullmatch(file.name)
        if named is not None and file.is_file():
            found[named[1]] = file
    return found


def take_in(documents: Iterable[Document], files: Mapping[str, Path], routers: "Routers") -> int:
    """Keep the predictors that documents name and the database hasn't; return how many.

    Raises:
        InvalidRequest: a file isn't what its name says, or not what a document says of it.
        OperatorError: it can't be read.
    """
    taken = 0
    for document in documents:
        digest = _digest_of(document)
        if digest in files and not routers.holds(digest):
            content, questions = _checked(document, files[digest])
            routers.keep(content, [frozenset()] * questions)
            taken += 1
    return taken


def write_out(documents: Iterable[Document], directory: Path, routers: "Routers") -> list[str]:
    """Write the predictors that documents name; return the names of routers that have none whole.

    Raises:
        OperatorError: a file can't be written.
    """
    without = []
    for document in documents:
        digest = _digest_of(document)
        if not digest:
            continue
        try:
            content = routers.content(digest)
        except NotFound:
            content = b""
        if sha256(content).hexdigest() == digest:
            _write(directory / f"{Kind.ROUTER}s" / f"{digest}.router", content)
        else:
            without.append(document.name)
    return without


def _digest_of(document: Document) -> str:
    digest = document.spec.get("model_digest") if document.kind is Kind.ROUTER else None
    return digest if isinstance(digest, str) else ""


def _checked(document: Document, file: Path) -> tuple[bytes, int]:
    """Return a predictor, and how many questions it holds."""
    from legato.routing.quality.file import UnreadableModel  # noqa: PLC0415 - numpy is an extra
    from legato.routing.quality.model import QualityModel  # noqa: PLC0415

    try:
        content = file.read_bytes()
        if sha256(content).hexdigest() != file.stem:
            told = "it was changed since it was exported: export it again"
            raise InvalidRequest(f"{file}: {told}", param="model_digest")
        model = QualityModel.from_bytes(content)
    except OSError as error:
        raise OperatorError(f"{file} can't be read: {error.strerror}") from error
    except UnreadableModel as error:
        raise InvalidRequest(f"{file}: {error}", param="model_digest") from None
    said = document.spec.get("embedder"), set(document.spec.get("deployments", ()))
    if said != (model.embedder, set(model.deployments)):
        told = f"router {document.name}: its document and {file.name} don't say the same"
        raise InvalidRequest(f"{told}: export both again", param="deployments")
    return content, 0 if model.trained is None else len(model.trained.neighbours.near)


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # it holds vectors of the texts it was trained on
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
    except OSError as error:
        raise OperatorError(f"{file} can't be written: {error.strerror}") from error

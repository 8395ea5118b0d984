"""An environment as a directory of YAML files: one document each."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from legato.app.config.yaml_file import read_yaml
from legato.core.errors import InvalidRequest, LegatoError
from legato.registry.content import as_yaml
from legato.registry.documents import Document, Placed, read_document

_SUFFIXES = frozenset({".yaml", ".yml"})
FILES_MAX = 10_000


def read_directory(directory: Path) -> list[Placed]:
    """Read every YAML file below a directory, hidden ones aside, in the order of their names.

    Raises:
        InvalidRequest: with the problems of all files.
    """
    if not directory.is_dir():
        raise InvalidRequest(f"{directory} is no directory: name one with -f", param="directory")
    files = sorted(
        path
        for path in directory.rglob("*")
        if path.suffix in _SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
    )
    if len(files) > FILES_MAX:
        raise InvalidRequest(f"{directory} holds more than {FILES_MAX} YAML files")
    documents, problems = [], []
    for file in files:
        try:
            documents.append(read_file(file, str(file.relative_to(directory))))
        except LegatoError as error:
            problems.append(error.message)
    if problems:
        raise InvalidRequest("\n".join(problems))
    return documents


def read_file(file: Path, place: str) -> Placed:
    """Read one document. Raises InvalidRequest, ConfigInvalid."""
    return read_document(read_yaml(file).plain(), place)


def write_directory(documents: Iterable[Document], directory: Path) -> list[Path]:
    """Write documents, a file each, into an empty or new directory; return the files.

    Raises:
        InvalidRequest: something is there already.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InvalidRequest(f"{directory} isn't empty: name a new directory", param="directory")
    documents = list(documents)
    several = {one.object for one in documents if _others(one, documents)}
    written = []
    for one in documents:
        mark = f".{one.labels[0]}" if one.object in several else ""
        file = directory / f"{one.kind}s" / f"{one.name}{mark}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_yaml(_plain(one)))
        written.append(file)
    return written


def _others(document: Document, documents: list[Document]) -> bool:
    return any(one is not document and one.object == document.object for one in documents)


def _plain(document: Document) -> dict[str, Any]:
    """Return it in the order that people write it."""
    plain = msgspec.to_builtins(document)
    spec = plain.pop("spec")
    return {**plain, "labels": list(document.labels), "spec": spec}

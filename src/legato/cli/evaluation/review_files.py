"""Files of answers with what people said of them."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.origin import NO_ORIGIN, Origin
from legato.insights.reviews import Said
from legato.judging.asking import Subject
from legato.judging.judge import Rubric
from legato.judging.labels import label_problems

_TEXTS: Final = ("answer", "input", "context", "reference")
_SAID: Final = ("by", "comment", "correction")
_LINE_MAX: Final = 100_000


class FileLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody said, as a file has it."""

    by: Annotated[str, Meta(min_length=1, max_length=200)]
    levels: dict[str, int]
    comment: str = ""
    correction: str = ""

    @property
    def said(self) -> Said:
        """As it is kept."""
        return Said(levels=self.levels, comment=self.comment, correction=self.correction)


class FileItem(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """An answer, as a file has it."""

    answer: str
    input: str = ""
    context: str = ""
    reference: str = ""
    labels: list[FileLabel] = []
    origin: Origin = NO_ORIGIN
    """The captured request that it was made of, so that an erasure finds it."""

    @property
    def subject(self) -> Subject:
        """What is judged."""
        return Subject(
            answer=self.answer, input=self.input, context=self.context, reference=self.reference
        )


def read_items(file: Path, rubric: Rubric) -> list[FileItem]:
    """Read a JSONL or CSV file whole, so that nothing of a wrong one is taken.

    Raises:
        InvalidRequest: naming the line and the field.
    """
    try:
        reader = _of_csv if file.suffix.lower() == ".csv" else _of_jsonl
        items = list(reader(file, rubric))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"{file}: can't be read: {error}", param="file") from None
    if not items:
        raise InvalidRequest(f"{file}: has no line", param="file")
    return items


def _of_jsonl(file: Path, rubric: Rubric) -> Iterator[FileItem]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            _require_few(number, file)
            try:
                item = msgspec.json.decode(line, type=FileItem)
            except (msgspec.DecodeError, RecursionError) as error:
                raise InvalidRequest(f"{file}: line {number}: {error}", param="file") from None
            for index, label in enumerate(item.labels):
                _require(label.levels, rubric, f"{file}: line {number}: labels[{index}].levels")
            _require_apart(item, f"{file}: line {number}")
            yield item


def _of_csv(file: Path, rubric: Rubric) -> Iterator[FileItem]:
    criteria = [one.name for one in rubric.criteria]
    found: dict[tuple[str, ...], list[FileLabel]] = {}
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        known = {*_TEXTS, *_SAID, *criteria}
        unknown = [name for name in rows.fieldnames or () if name not in known]
        if unknown or "answer" not in (rows.fieldnames or ()):
            told = f"unknown column {unknown[0]!r}" if unknown else "no column `answer`"
            names = ", ".join([*_TEXTS, *_SAID, *criteria])
            raise InvalidRequest(f"{file}: {told}; columns: {names}", param="file")
        for number, row in enumerate(rows, 2):
            _require_few(number, file)
            texts = tuple(row.get(name) or "" for name in _TEXTS)
            labels = found.setdefault(texts, [])
            if row.get("by"):
                labels.append(_label(row, criteria, rubric, f"{file}: line {number}"))
    for texts, labels in found.items():
        answer, given, context, reference = texts
        item = FileItem(
            answer=answer, input=given, context=context, reference=reference, labels=labels
        )
        _require_apart(item, str(file))
        yield item


def _label(row: dict[str, str], criteria: list[str], rubric: Rubric, place: str) -> FileLabel:
    try:
        levels = {name: int(row[name]) for name in criteria if row.get(name)}
    except ValueError:
        told = f"{place}: levels are whole numbers"
        raise InvalidRequest(told, param="file") from None
    _require(levels, rubric, place)
    texts = {name: row.get(name) or "" for name in _SAID}
    return FileLabel(levels=levels, **texts)


def _require(levels: Any, rubric: Rubric, place: str) -> None:
    if problem := label_problems(rubric, levels):
        raise InvalidRequest(f"{place}: {problem}", param="file")


def _require_apart(item: FileItem, place: str) -> None:
    names = [label.by for label in item.labels]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        told = f"{place}: {twice!r} labels the same answer twice; keep one of them"
        raise InvalidRequest(told, param="file")


def _require_few(number: int, file: Path) -> None:
    if number > _LINE_MAX:
        told = f"{file}: more than {_LINE_MAX} lines; divide it"
        raise InvalidRequest(told, param="file")

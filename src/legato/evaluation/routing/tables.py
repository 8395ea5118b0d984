"""Tables of judged answers: a row per prompt, columns per model.

`prompt` is the text, `domain` or `task` its task class (may be missing), `NAME|correct` or `NAME`
how good the model's answer was (0 to 1), `NAME|cost` what it cost in USD (may be missing).
"""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from legato.core.errors import InvalidRequest, OperatorError
from legato.routing.quality.members import Floats

_CORRECT: Final = "|correct"
_COST: Final = "|cost"
_CLASSES: Final = ("domain", "task")


class JudgedTable(NamedTuple):
    """Arrays have a row per prompt and a column per model; costs may be NaN.

    `trust` says how much each outcome counts, above 0 and up to 1; all count fully without it.
    """

    prompts: Sequence[str]
    classes: Sequence[str]
    models: tuple[str, ...]
    outcomes: Floats
    costs: Floats
    trust: Floats | None = None

    def within(self, domain: str) -> "JudgedTable":
        """Return the rows of a task class, or of those below it (`mmlu` has `mmlu/law`)."""
        chosen = [
            place
            for place, one in enumerate(self.classes)
            if one == domain or one.startswith(f"{domain}/")
        ]
        return JudgedTable(
            [self.prompts[place] for place in chosen],
            [self.classes[place] for place in chosen],
            self.models,
            self.outcomes[chosen],
            self.costs[chosen],
            None if self.trust is None else self.trust[chosen],
        )


def read_table(path: Path, models: Sequence[str] = ()) -> JudgedTable:
    """Read a Parquet, CSV or JSON-lines file; without `models` those that have `|correct`.

    Raises:
        InvalidRequest: a column is missing or holds what is no number; names it.
        OperatorError: the file can't be read, or Parquet's extra is missing.
    """
    columns = _columns(path)
    if "prompt" not in columns:
        raise InvalidRequest(f"{path}: there is no column prompt")
    names = tuple(models) or tuple(
        name.removesuffix(_CORRECT) for name in columns if name.endswith(_CORRECT)
    )
    if not names:
        raise InvalidRequest(f"{path}: no column ends in {_CORRECT}: name the models")
    count = len(columns["prompt"])
    if not count:
        raise InvalidRequest(f"{path}: holds no row")
    outcomes = np.column_stack([_outcomes(path, columns, name) for name in names])
    costs = np.column_stack(
        [_numbers(path, f"{name}{_COST}", columns.get(f"{name}{_COST}", [None] * count))
         for name in names]
    )  # fmt: skip
    classes = next((columns[name] for name in _CLASSES if name in columns), [""] * count)
    prompts = [str(one or "") for one in columns["prompt"]]
    return JudgedTable(prompts, [str(one or "") for one in classes], names, outcomes, costs)


def known_models(path: Path) -> list[str]:
    """Return the models that a file judges. Raises as `read_table`."""
    return [one.removesuffix(_CORRECT) for one in _columns(path) if one.endswith(_CORRECT)]


def _columns(path: Path) -> Mapping[str, Sequence[Any]]:
    try:
        if path.suffix == ".parquet":
            return _parquet(path)
        content = path.read_bytes()
    except OSError as error:
        raise OperatorError(f"{path} can't be read: {error.strerror}") from error
    if path.suffix == ".csv":
        rows: list[Any] = list(csv.DictReader(StringIO(content.decode("utf-8-sig"), newline="")))
    else:
        try:
            rows = [msgspec.json.decode(line) for line in content.splitlines() if line.strip()]
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"{path}: is no file of JSON lines: {error}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise InvalidRequest(f"{path}: every line must be a JSON object")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _parquet(path: Path) -> Mapping[str, Sequence[Any]]:
    try:
        from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415 - an extra
    except ImportError:
        raise OperatorError("Parquet needs an extra: pip install 'legato[parquet]'") from None
    try:
        table = parquet.read_table(path)
    except ArrowInvalid as error:
        raise InvalidRequest(f"{path}: is no Parquet file: {error}") from None
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _outcomes(path: Path, columns: Mapping[str, Sequence[Any]], name: str) -> Floats:
    column = f"{name}{_CORRECT}" if f"{name}{_CORRECT}" in columns else name
    if column not in columns:
        known = ", ".join(one.removesuffix(_CORRECT) for one in columns if one.endswith(_CORRECT))
        hint = f"; there are {known}" if known else ""
        raise InvalidRequest(f"{path}: there is no column {name}{_CORRECT}{hint}")
    found = _numbers(path, column, columns[column])
    if np.nanmin(found, initial=0.0) < 0.0 or np.nanmax(found, initial=1.0) > 1.0:
        raise InvalidRequest(f"{path}: column {column}: must lie between 0 and 1")
    return found


def _numbers(path: Path, column: str, values: Sequence[Any]) -> Floats:
    try:
        return np.array([np.nan if one in {None, ""} else float(one) for one in values])
    except (TypeError, ValueError):
        raise InvalidRequest(f"{path}: column {column}: holds what is no number") from None

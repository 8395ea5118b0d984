"""What a canvas needs to draw definitions: schemas, what fields mean, where expressions stand."""

import ast
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import yaml

from legato.core.errors import InvalidRequest
from legato.flow.cel.functions import FUNCTIONS
from legato.flow.cel.reading import MACROS
from legato.flow.definition import Definition
from legato.flow.kinds import TEMPLATE_FIELDS
from legato.flow.patterns import pattern_text, patterns

VALUES_MAX: Final = 100_000
"""In a text, what anchors repeat counted each time."""
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def drawing() -> dict[str, Any]:
    """Return the JSON schema of definitions, each field with its meaning, and what CEL knows.

    `templates` names the fields of each kind whose texts may hold `${...}`; where the schema says
    `format: cel` a whole text is an expression.
    """
    docs = _meanings()
    (_,), parts = msgspec.json.schema_components((Definition,), ref_template="#/{name}")
    for name, part in parts.items():
        about, fields = docs.get(name, ("", {}))
        part["description"] = about
        for field, schema in part.get("properties", {}).items():
            meaning = fields.get(field) or docs["Node"][1].get(field, "")
            part["properties"][field] = _said(schema, meaning)
    kinds = {
        part["properties"]["kind"]["enum"][0]: name
        for name, part in parts.items()
        if "kind" in part.get("properties", {}) and "id" in part["properties"]
    }
    by_class = {cls.__name__: list(fields) for cls, fields in TEMPLATE_FIELDS.items()}
    return {
        "parts": parts,
        "kinds": kinds,
        "templates": {kind: by_class.get(name, []) for kind, name in kinds.items()},
        "functions": sorted(FUNCTIONS),
        "loops": sorted(MACROS),
        "patterns": [
            {"name": one.name, "title": one.title, "description": one.description,
             "definition": _LOADER(pattern_text(one.name)).get_single_data()}
            for one in patterns()
        ],
    }  # fmt: skip


def read_text(text: str) -> Any:
    """Return the plain data in YAML or JSON. Raises InvalidRequest: with the line."""
    try:
        return _counted(_LOADER(text).get_single_data(), [VALUES_MAX])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        told = getattr(error, "problem", None) or "this is no YAML"
        msg = f"text: {line}{told}"
        raise InvalidRequest(msg, param="text") from None
    except RecursionError:
        msg = "text: it is nested too deep"
        raise InvalidRequest(msg, param="text") from None


def _counted(value: Any, left: list[int]) -> Any:
    """Return a copy that shares nothing, refusing what anchors would blow up."""
    left[0] -= 1
    if left[0] < 0:
        msg = f"text: it comes to more than {VALUES_MAX} values"
        raise InvalidRequest(msg, param="text")
    if isinstance(value, dict):
        return {str(name): _counted(one, left) for name, one in value.items()}
    if isinstance(value, list):
        return [_counted(one, left) for one in value]
    return value


def _said(schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    said = dict(schema)
    if meaning:
        said["description"] = meaning
    for one in (said, *said.get("anyOf", ())):
        if one.get("maxLength") == _CEL_MAX and one.get("minLength") == 1:
            one["format"] = "cel"
    return said


_CEL_MAX: Final = 2_000


def _meanings() -> dict[str, tuple[str, dict[str, str]]]:
    """Return what the source says of each class, and of each of its fields."""
    source = (files("legato.flow") / "definition.py").read_text("utf-8")
    found = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = {}
        for one, after in zip(node.body, node.body[1:], strict=False):
            if isinstance(one, ast.AnnAssign) and isinstance(after, ast.Expr):
                told = after.value
                if isinstance(one.target, ast.Name) and isinstance(told, ast.Constant):
                    fields[one.target.id] = " ".join(str(told.value).split())
        found[node.name] = (ast.get_docstring(node) or "", fields)
    return found

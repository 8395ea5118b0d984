"""Checks a body against AWS's own published model of the service, strictly.

The model is `bedrock-runtime` 2023-09-30, `service-2.json`, as shipped with botocore 1.44.5: the
document that AWS generates its SDKs and its API reference from.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import botocore

MODEL = Path("data/bedrock-runtime/2023-09-30/service-2.json.gz")


class Invalid(Exception):
    """The body isn't of the shape; the message says where."""


@cache
def shapes() -> dict[str, Any]:
    with gzip.open(Path(botocore.__file__).parent / MODEL) as file:
        found: dict[str, Any] = json.load(file)["shapes"]
    return found


def check(name: str, value: Any, place: str = "") -> None:
    """Refuse what the shape `name` doesn't allow, unknown members among it."""
    shape = shapes()[name]
    kind = shape["type"]
    if shape.get("document"):
        return
    if kind == "structure":
        _structure(shape, value, place)
    elif kind == "list":
        _expect(isinstance(value, list), place, "a list")
        _length(shape, len(value), place)
        for index, one in enumerate(value):
            check(shape["member"]["shape"], one, f"{place}.{index}")
    elif kind == "map":
        _expect(isinstance(value, dict), place, "a map")
        _length(shape, len(value), place)
        for key, one in value.items():
            check(shape["key"]["shape"], key, f"{place}.{key}")
            check(shape["value"]["shape"], one, f"{place}.{key}")
    else:
        _scalar(shape, value, place)


def _structure(shape: dict[str, Any], value: Any, place: str) -> None:
    _expect(isinstance(value, dict), place, "an object")
    members = {
        key: member for key, member in shape["members"].items() if member.get("location") is None
    }
    if unknown := sorted(value.keys() - members.keys()):
        raise Invalid(f"{place}: extraneous key [{unknown[0]}] is not permitted")
    for required in shape.get("required", ()):
        if required in members and required not in value:
            raise Invalid(f"{place}: required key [{required}] not found")
    if shape.get("union") and len(value) != 1:
        raise Invalid(f"{place}: exactly one member of a union must be set")
    for key, one in value.items():
        check(members[key]["shape"], one, f"{place}.{key}")


def _scalar(shape: dict[str, Any], value: Any, place: str) -> None:
    kind = shape["type"]
    if kind in {"string", "blob"}:
        _expect(isinstance(value, str), place, "text")
        if kind == "blob":
            value = base64.b64decode(value, validate=True)
        _length(shape, len(value), place)
        if "enum" in shape and value not in shape["enum"]:
            raise Invalid(f"{place}: {value!r} is none of {shape['enum']}")
        if "pattern" in shape and not re.fullmatch(shape["pattern"], value):
            raise Invalid(f"{place}: does not match {shape['pattern']}")
    elif kind == "boolean":
        _expect(isinstance(value, bool), place, "a boolean")
    else:
        number = int if kind in {"integer", "long"} else (int, float)
        _expect(isinstance(value, number) and not isinstance(value, bool), place, "a number")
        _length(shape, value, place)


def _expect(holds: bool, place: str, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Invalid(f"{place}: expected {what}")


def _length(shape: dict[str, Any], found: float, place: str) -> None:
    if not shape.get("min", found) <= found <= shape.get("max", found):
        raise Invalid(f"{place}: {found} is out of its limits")

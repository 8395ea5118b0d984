"""Every text of a request, whatever its dialect, with the place where it stands.

What isn't known to be otherwise is a text: unknown fields, names of fields and large numbers, too.
What names things to machines (types, ids, functions, fields), as long as it looks like that and not
like an address, is looked into, but nothing else can stand there. Left out are the dialects' own
words, and what is no text: pictures, sound and files in base64.

A piece is named by a JSON pointer (RFC 6901), in which `#` is written `~2`: one that ends in `#`
is the name of a field. Below a text that is JSON itself, as arguments of tools are, the pointer
goes on into it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from legato.core.errors import InvalidRequest
from legato.core.guarding import Piece, Place
from legato.guardrails.encoded import decoded_text, is_media, readable
from legato.guardrails.replacing import pointer_token
from legato.guardrails.vocabulary import VOCABULARY

_STRUCTURAL: Final = frozenset(
    {
        "role", "type", "object", "id", "detail", "format", "encoding_format", "media_type",
        "mime_type", "finish_reason", "stop_reason", "status", "effort", "verbosity",
        "service_tier", "truncation", "tool_choice", "include", "modalities", "voice", "size",
        "quality", "output_format", "response_format", "stream_format", "ttl", "syntax",
        "signature", "encrypted_content", "version", "phase", "file_ids", "vector_store_ids",
        "allowed_tools", "name", "model",
        "approval_request_id", "call_id", "container_id", "conversation_id", "file_id",
        "generation_id", "item_id", "previous_response_id", "response_id", "tool_call_id",
        "tool_use_id", "vector_store_id",
    }
)  # fmt: skip
_SCHEMA_TERMS: Final = frozenset({"type", "format", "$ref", "$id", "$schema", "$anchor"})
_TOKEN: Final = re.compile(r"[\w.:/+=$-]*", re.ASCII)
"""What ids, names of functions and values of enumerations look like."""
_NUMBER: Final = re.compile(r"[0-9.:/+=$-]{9,}")
"""What looks like that, too, and may be somebody's."""
_FIELD: Final = re.compile(r"[A-Za-z$][A-Za-z_$]*(?:_v?\d)?", re.ASCII)
"""What names of fields that developers choose look like."""
_OPAQUE: Final = frozenset({"data", "file_data", "b64_json", "result"})
_FILE_MIN: Final = 64
_ENDLESS: Final = 4_096
"""Longer than any key or token: in base64 it is a file, wherever it stands."""
_LARGE: Final = 65_536
"""Longer than what could be a key or a token in any field: only what can be read of it counts."""
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{60,}+\r?\n)*+[A-Za-z0-9+/_-]*+={0,2}\s{0,2}")
"""Whole, or in lines as MIME has them: words of their own would stand in shorter ones."""
_DATA_URL_HEAD: Final = 128
_ENCODED: Final = ";base64,"
_WORDS: Final = frozenset({"content", "text", "input", "prompt", "query", "system", "output"})
"""Fields whose strings a model reads as they are: no file stands there."""
_FREE: Final = frozenset({"metadata", "variables", "arguments", "documents"})
"""Fields whose insides are the caller's own."""
_SCHEMAS: Final = frozenset({"parameters", "input_schema", "schema"})
_NAMED_SCHEMAS: Final = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
_SCHEMA_VALUES: Final = frozenset({"enum", "const", "default", "examples", "example"})
_DOCUMENTS: Final = frozenset({"document", "search_result", "web_search_result", "input_file"})
_DOCUMENT_FIELDS: Final = frozenset({"documents", "search_results", "results"})
_TOKENIZED: Final = ("input", "prompt", "prompt_token_ids", "input_ids", "token_ids")
_TENSORS: Final = ("prompt_embeds", "inputs_embeds", "input_embeds")
_APART: Final = "\n,\n"
"""Between names and ids that are looked into together: no detector takes it for part of a value."""
_TOKEN_MIN: Final = 3
_DIGITS: Final = re.compile(r"[\d\s().+/-]{7,40}")
"""What is found only where something beside it says what it is: the name of its field."""
_TELLING: Final = re.compile(
    r"ssn|social|phone|mobile|cell|fax|tel|card|account|passport|birth|dob|tax|licen|patient",
    re.IGNORECASE,
)
"""Fields whose numbers are somebody's. Others' names would only tell what a number isn't."""
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|[_-]+")
_NUMBER_MIN: Final = 1_000_000
"""A shorter number is nobody's phone, card or social security number."""


class Looked(NamedTuple):
    """All there is to look into."""

    texts: list[Piece]
    names: list[Piece]
    """Names and ids that callers choose: each once in each kind of place."""


def looked_into(body: Mapping[str, Any]) -> Looked:
    """Return the texts of a request, in order, and its names. Raises InvalidRequest: too deep."""
    found = _Found()
    try:
        found.table(body, "", Place.INPUT)
    except RecursionError:
        msg = "The body is nested too deeply."
        raise InvalidRequest(msg) from None
    return Looked(found.pieces, list(found.names.values()))


def pieces(body: Mapping[str, Any]) -> list[Piece]:
    """Return the texts of a request, in order. Raises InvalidRequest: it is too deep."""
    return looked_into(body).texts


def together(names: Iterable[Piece]) -> list[Piece]:
    """Return one text of all names for each kind of place: dozens of short ones take long."""
    by_place: dict[Place, list[str]] = {}
    for one in names:
        by_place.setdefault(one.place, []).append(one.text)
    return [
        Piece(_APART.join(some), "", place, fixed=True, token=True)
        for place, some in by_place.items()
    ]


def token_ids(body: Mapping[str, Any]) -> str:
    """Return the field that gives its text as ids of tokens, which nobody can read; "" if none."""
    for name in _TOKENIZED:
        value = body.get(name)
        if type(value) is list and any(
            type(one) is int or (type(one) is list and any(type(id_) is int for id_ in one))
            for one in value
        ):
            return name
    return next((name for name in _TENSORS if body.get(name)), "")


class _Found:
    """Walks a body and gathers its texts."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.names: dict[tuple[str, Place], Piece] = {}

    def table(self, table: Mapping[str, Any], where: str, place: Place) -> None:
        """Look into an object of a dialect."""
        kind = table.get("type")
        place = _place_in(table, kind, place)
        for name, value in table.items():
            here = f"{where}/{pointer_token(name)}"
            self._field(name, here, place)
            if type(value) is str:
                if name == "model" and not where:
                    continue
                if _is_structural(name, value, table):
                    self._name(value, here, place)
                elif name == "arguments":
                    self._json(value, here, place)
                else:
                    url = 0 if name in _WORDS or kind == "text" else _FILE_MIN
                    bare = url if name in _OPAQUE else 0
                    self._told(value, here, place, url=url, bare=bare, of=name)
            elif type(value) is dict or type(value) is list:
                self._inner(name, value, here, place=_place_of(name, kind, place), kind=kind)
            else:
                self._number(value, here, place, name)

    def _inner(self, name: str, value: Any, here: str, *, place: Place, kind: Any) -> None:
        if name in _FREE or (name == "input" and _is_use(kind)):
            self.free(value, here, place, name)
        elif name in _SCHEMAS:
            self.schema(value, here, place)
        else:
            self._either(value, here, place, name)

    def _either(self, value: Any, where: str, place: Place, name: str) -> None:
        if type(value) is dict:
            self.table(value, where, place)
        elif type(value) is list:
            for index, one in enumerate(value):
                here = f"{where}/{index}"
                if type(one) is str:
                    if name in _STRUCTURAL and _is_token(one):
                        self._name(one, here, place)
                    else:
                        self._told(
                            one, here, place, url=0 if name in _WORDS else _FILE_MIN, of=name
                        )
                else:
                    self._either(one, here, place, name)
        else:
            self._number(value, where, place, name)

    def free(self, value: Any, where: str, place: Place, of: str = "") -> None:
        """Look into what has no known form: all in it is text. `of` is the field that has it."""
        if type(value) is str:
            self._told(value, where, place, url=_FILE_MIN, bare=_ENDLESS, of=of)
        elif type(value) is dict:
            for name, one in value.items():
                here = f"{where}/{pointer_token(name)}"
                self._text(name, f"{here}#", place)
                self.free(one, here, place, name)
        elif type(value) is list:
            for index, one in enumerate(value):
                self.free(one, f"{where}/{index}", place, of)
        else:
            self._number(value, where, place, of)

    def schema(self, value: Any, where: str, place: Place) -> None:
        """Look into a JSON schema: its words stay, its texts and unusual names don't."""
        if type(value) is list:
            for index, one in enumerate(value):
                self.schema(one, f"{where}/{index}", place)
        elif type(value) is str:
            self._field(value, where, place, "")
        elif type(value) is dict:
            for name, one in value.items():
                self._term(name, one, f"{where}/{pointer_token(name)}", place)
        else:
            self._number(value, where, place, "")

    def _term(self, name: str, value: Any, here: str, place: Place) -> None:
        if name in _NAMED_SCHEMAS and type(value) is dict:
            for field, inner in value.items():
                inside = f"{here}/{pointer_token(field)}"
                self._field(field, inside, place)
                self.schema(inner, inside, place)
            return
        self._field(name, here, place)
        if name in _SCHEMA_VALUES:
            self.free(value, here, place)
        elif type(value) is str:
            if name in _SCHEMA_TERMS and _is_token(value):
                self._name(value, here, place)
            else:
                self._text(value, here, place)
        else:
            self.schema(value, here, place)

    def _json(self, text: str, where: str, place: Place) -> None:
        """Look into a text that is JSON; one that isn't quite is a text like others."""
        value = parsed(text)
        if value is None:
            self._text(text, where, place)
        else:
            self.free(value, where, place, "arguments")

    def _told(
        self, text: str, where: str, place: Place, *, url: int, bare: int = 0, of: str = ""
    ) -> None:
        """Note a text, unless it is a file of at least so many characters; 0: it never is."""
        start, least = 0, bare
        if text.startswith("data:"):
            start = text[:_DATA_URL_HEAD].find(_ENCODED) + len(_ENCODED)
            least = url if start >= len(_ENCODED) else 0
        if least and len(text) >= least and _BASE64.fullmatch(text, start):
            inner = decoded_text(text, start)
            if inner:
                self.pieces.append(Piece(inner, where, place, fixed=True))
                return
            if is_media(text, start):
                return
            inner = readable(text, start)
            if inner:
                self.pieces.append(Piece(inner, where, place, fixed=True))
            if len(text) > _LARGE:
                return
        if of and _DIGITS.fullmatch(text) is not None:
            self._led(text, where, place, of)
        else:
            self._text(text, where, place)

    def _number(self, value: Any, where: str, place: Place, of: str) -> None:
        if _is_number(value) and abs(value) >= _NUMBER_MIN:
            self._led(str(int(value)), where, place, of)

    def _led(self, text: str, where: str, place: Place, of: str) -> None:
        """Note a number, with the words of its field's name before it."""
        lead = f"{_HUMP.sub(' ', of)}: " if _TELLING.search(of) else ""
        self.pieces.append(Piece(lead + text, where, place, lead=len(lead)))

    def _field(self, name: str, where: str, place: Place, mark: str = "#") -> None:
        """Note the name of a field, or another that is like one."""
        if _FIELD.fullmatch(name) is None:
            self._text(name, where + mark, place)
        else:
            self._name(name, where + mark, place)

    def _name(self, text: str, where: str, place: Place) -> None:
        if len(text) >= _TOKEN_MIN and text not in VOCABULARY and (text, place) not in self.names:
            self.names[text, place] = Piece(text, where, place, fixed=True, token=True)

    def _text(self, text: str, where: str, place: Place) -> None:
        if text:
            self.pieces.append(Piece(text, where, place))


def parsed(text: str) -> dict[str, Any] | list[Any] | None:
    """Return the object or list that a text is; None where it isn't read the same by everyone."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value: dict[str, Any] | list[Any] = json.loads(
            text, object_pairs_hook=_once, parse_constant=_refused
        )
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        msg = "a name stands twice in one object"
        raise ValueError(msg)
    return table


def _refused(constant: str) -> None:
    msg = f"{constant} is no JSON"
    raise ValueError(msg)


def _is_structural(name: str, value: str, table: Mapping[str, Any]) -> bool:
    if name not in _STRUCTURAL:
        return False
    if name == "name" and "role" in table:  # a person's who takes part
        return False
    return _is_token(value)


def _is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None and _NUMBER.fullmatch(text) is None


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _is_use(kind: Any) -> bool:
    return isinstance(kind, str) and kind.endswith("tool_use")


def _place_in(table: Mapping[str, Any], kind: Any, place: Place) -> Place:
    if table.get("role") in {"tool", "function"}:
        return Place.TOOL_RESULT
    if not isinstance(kind, str):
        return place
    if kind in _DOCUMENTS:
        return Place.DOCUMENT
    if kind.endswith(("tool_result", "_call_output")):
        return Place.TOOL_RESULT
    return place


def _place_of(name: str, kind: Any, place: Place) -> Place:
    if name in _DOCUMENT_FIELDS:
        return Place.DOCUMENT
    if name in {"output", "outputs"} and isinstance(kind, str) and kind.endswith("_call"):
        return Place.TOOL_RESULT
    return place

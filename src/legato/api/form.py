"""Bodies that carry files: multipart/form-data (RFC 7578)."""

from email.message import Message
from io import BytesIO
from typing import Any

from multipart import MultipartError, MultipartParser

from legato.core.errors import InvalidRequest
from legato.core.wire import FormPart

PARTS_MAX = 128


def read_form(content_type: bytes | None, raw: bytes) -> tuple[FormPart, ...]:
    """Return the parts of a form, in order.

    Raises:
        InvalidRequest: not a form, or not a well-formed one.
    """
    declared = Message()
    declared["content-type"] = (content_type or b"").decode("latin-1")
    boundary = declared.get_param("boundary")
    if declared.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        msg = "Send this as multipart/form-data, with the file as one of its parts."
        raise InvalidRequest(msg, param="content-type")
    try:
        parser = MultipartParser(
            BytesIO(raw),
            boundary,
            part_limit=PARTS_MAX,
            memory_limit=len(raw) + 1,
            spool_limit=len(raw) + 1,  # nothing goes to disk: the body is in memory already
            strict=True,
        )
        return tuple(
            FormPart(
                part.name,
                part.raw,
                part.filename or "",
                part.content_type if part.filename else "",
            )
            for part in parser
        )
    except (MultipartError, ValueError, UnicodeError) as error:
        msg = f"The form is not well formed: {str(error)[:200]}."
        raise InvalidRequest(msg) from None


def body_of(form: tuple[FormPart, ...]) -> dict[str, Any]:
    """Return the plain fields as a JSON body has them: `stream` a boolean, `n` a number.

    Raises:
        InvalidRequest: a field that must come once comes twice, or as a file, or is not UTF-8.
    """
    found: dict[str, Any] = {}
    texts = _ONE_VALUE.union(part.name for part in form if not part.filename)
    for part in form:
        name = part.name[:100]
        single = part.name.removesuffix("[]")
        # parts pass as they came: what another reader could take for the field must not stand there
        if part.filename and not texts.isdisjoint((part.name, single)):
            raise InvalidRequest(f"{name}: is a field, send it without a file name", param=name)
        if part.filename:
            continue
        if single != part.name and single in _ONE_VALUE:
            raise InvalidRequest(f"{name}: is one value: send {single}", param=name)
        if part.name in found and not part.name.endswith("[]"):
            raise InvalidRequest(f"{name}: comes twice in the form", param=name)
        try:
            found[part.name] = part.value.decode()
        except UnicodeDecodeError:
            raise InvalidRequest(f"{name}: is not UTF-8", param=name) from None
    if "stream" in found:
        found["stream"] = _BOOLEANS.get(found["stream"].lower(), found["stream"])
    if found.get("n", "").isascii() and found.get("n", "").isdigit():
        found["n"] = int(found["n"][:10])
    return found


_ONE_VALUE = frozenset({"model", "n", "stream", "user", "prompt"})
"""What a call is checked and charged by."""
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

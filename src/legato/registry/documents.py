"""What people write down of an object: the form that `apply` reads and `export` writes."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_label, checked_name
from legato.storage.registry.records import Details

Line = Annotated[str, Meta(max_length=200)]


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of one object, with the labels that point to it in an environment."""

    kind: Kind
    name: str
    spec: dict[str, Any]
    owner: Line = ""
    escalation: Line = ""
    description: Annotated[str, Meta(max_length=2000)] = ""
    labels: Annotated[tuple[str, ...], Meta(max_length=50)] = (DEFAULT_LABEL,)

    @property
    def object(self) -> ObjectName:
        """Which object it is of."""
        return ObjectName(self.kind, self.name)

    @property
    def details(self) -> Details:
        """Who answers for it."""
        return Details(self.owner, self.escalation, self.description)


class Placed(msgspec.Struct, frozen=True):
    """A document and where it was written."""

    document: Document
    place: str


def read_document(plain: Any, place: str) -> Placed:
    """Read one document.

    Raises:
        InvalidRequest: naming the place, the field and the remedy.
    """
    try:
        document = msgspec.convert(plain, Document)
        checked_name(document.name)
        for label in document.labels:
            checked_label(label)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{place}: {_lowered(str(error))}") from None
    except InvalidRequest as error:
        raise InvalidRequest(f"{place}: {error.message}", param=error.param) from None
    return Placed(document, place)


def require_one_each(documents: list[Placed]) -> None:
    """Refuse documents that contradict each other.

    Raises:
        InvalidRequest: a label of an object is written in two places.
    """
    seen: dict[tuple[ObjectName, str], str] = {}
    for placed in documents:
        for label in placed.document.labels:
            key = (placed.document.object, label)
            if key in seen:
                raise InvalidRequest(
                    f"{placed.place}: {key[0]}@{label} stands in {seen[key]}, too; "
                    "a label points to one version"
                )
            seen[key] = placed.place


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]

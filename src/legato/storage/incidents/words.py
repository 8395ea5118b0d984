"""What people say of incidents: sealed under the organisation's key, and known by who said it."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection, select

from legato.core.incident import BY_ITSELF, Incident, Source
from legato.storage.tables.accounts import account

GONE: Final = "What was said of it was erased, or the key it was sealed with destroyed."
HIDDEN: Final = "[sealed]"
_ACCOUNT: Final = "account:"


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Words(NamedTuple):
    """What seals words, and names who said them to an organisation."""

    sealing: Sealing
    pseudonym: Callable[[str, str], str]

    def sealed(self, one: Incident) -> dict[str, Any]:
        """Return the columns that hold the title and the note."""
        plain = msgspec.json.encode((one.title, one.note))
        sealed = self.sealing.seal(one.org, plain, incident_context(one.id))
        return {"title": "", "note": "", "sealed": sealed}

    def name(self, whose: tuple[str, str] | None, org: str) -> str:
        """Return the pseudonym of somebody for an organisation, their own for the instance."""
        return "" if whose is None else self.pseudonym(org or whose[0], whose[1])


def said_by(connection: Connection, author: str) -> tuple[str, str] | None:
    """Return the organisation and address of an account, by its id; None for keys and others."""
    if not author.startswith(_ACCOUNT):
        return None
    named = account.c.id == author.removeprefix(_ACCOUNT)
    row = connection.execute(select(account.c.org, account.c.email).where(named)).first()
    return (row.org, row.email.lower()) if row is not None and row.email else None


def is_told(one: Incident) -> bool:
    """Whether people said something of it, not Legato alone."""
    noted = bool(one.note) and one.resolved_by not in {"", BY_ITSELF}
    return one.source is Source.PERSON or noted


def opened(one: Incident, sealed: bytes, words: Words | None) -> Incident:
    """Return an incident with what was said of it, or with what stands for that."""
    if not sealed:
        return msgspec.structs.replace(one, title=GONE, note="")
    if words is None:
        return msgspec.structs.replace(one, title=HIDDEN, note="")
    try:
        plain = words.sealing.open(one.org, sealed, incident_context(one.id))
    except ValueError:
        return msgspec.structs.replace(one, title=GONE, note="")
    title, note = msgspec.json.decode(plain, type=tuple[str, str])
    return msgspec.structs.replace(one, title=title, note=note)


def told_as(incident_id: str) -> tuple[str, str]:
    """Return what notifications of an incident are told once by: that it began, that it is over."""
    return f"incident {incident_id}", f"incident {incident_id} over"


def incident_context(incident_id: str) -> bytes:
    """Return what the words of an incident are bound to."""
    return f"incident\x00{incident_id}".encode()

"""The words of an erasure: whose content is meant, what went and what stays."""

import msgspec


class KeyDestroyed(ValueError):
    """What was sealed can't be opened by anybody any more: its data key was destroyed."""


class Subject(msgspec.Struct, frozen=True):
    """Whose content is meant: a user's, by pseudonym, or one request's; the other is ""."""

    user: str = ""
    request_id: str = ""


class Remaining(msgspec.Struct, frozen=True):
    """What an erasure leaves, and why; `count` is None where that isn't known."""

    what: str
    count: int | None
    why: str


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an act: how much by kind. Without an `id` it was only tried."""

    id: str
    subject: Subject
    requests: int
    erased: dict[str, int]
    remains: list[Remaining]

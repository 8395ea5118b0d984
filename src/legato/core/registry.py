"""The words of the registry: what is versioned, and how a version is named.

An object is (org, kind, name). Its versions are immutable and known by their content; labels are
movable names for a version, kept for each environment.
"""

import re
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest

DEFAULT_LABEL: Final = "production"
"""What is meant where a caller names no label."""
INSTANCE_ORG: Final = ""
"""Whose the objects are that belong to no organisation: deployments and routes."""
CHAMPION: Final = "champion"
CANDIDATE: Final = "candidate"
"""The arms of a rollout: what a label points to, and what may take its place."""
SHADOW: Final = "shadow"
"""The arm of copies of calls that a candidate answers for nobody."""
HOLDOUT: Final = "holdout"
TREATED: Final = "treated"
"""The arms of a holdout: who has a route's baseline, and who is served as ever."""
SHOWN_DIGITS: Final = 12
PREFIX_DIGITS_MIN: Final = 8
"""Of a digest: fewer could be a number, or mean two versions."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(rf"[0-9a-f]{{{PREFIX_DIGITS_MIN},64}}")


class Kind(StrEnum):
    """What kinds of object have versions."""

    PROMPT = "prompt"
    JUDGE = "judge"
    DEPLOYMENT = "deployment"
    ROUTE = "route"
    DATASET = "dataset"
    SUITE = "suite"
    GUARDRAIL = "guardrail"
    ROUTER = "router"
    WORKFLOW = "workflow"


INSTANCE_KINDS: Final = frozenset({Kind.DEPLOYMENT, Kind.ROUTE})
"""What belongs to the instance: every organisation calls it, its operator changes it."""

KEPT_APART: Final = frozenset({Kind.DATASET, Kind.ROUTER})
"""Whose versions only name what is kept beside them: no file of a directory holds it."""


class Truth(StrEnum):
    """Who decides what an environment's labels say: never both by accident."""

    DATABASE = "database"
    DIRECTORY = "directory"


class MoveState(StrEnum):
    """What became of a wish to move a label."""

    PENDING = "pending"  # waits for approvals
    APPROVED = "approved"  # of a rollout, which then began
    APPLIED = "applied"
    REJECTED = "rejected"
    OVERTAKEN = "overtaken"  # the label was moved otherwise meanwhile, or the rollout aborted


class ObjectName(msgspec.Struct, frozen=True, order=True):
    """Which object, within an organisation."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def owner_of(kind: Kind, org: str) -> str:
    """Return whose an object of a kind is, where somebody works for an organisation."""
    return INSTANCE_ORG if kind in INSTANCE_KINDS else org


class Selector(msgspec.Struct, frozen=True):
    """Which version of an object: exactly one of the three is set."""

    label: str = ""
    number: int = 0
    digest_prefix: str = ""

    def __str__(self) -> str:
        return self.label or self.digest_prefix or str(self.number)


def digest_of(kind: Kind, spec: Any) -> str:
    """Return the SHA-256 of an object's content, in hex: the same content, the same version."""
    canonical = msgspec.json.encode({"kind": kind.value, "spec": spec}, order="sorted")
    return sha256(canonical).hexdigest()


def shown(name: ObjectName, digest: str) -> str:
    """Return how answers, traces and the ledger name a version: `prompt/greeting@3fa9c1d2e4b5`."""
    return f"{name}@{digest[:SHOWN_DIGITS]}"


def selector(text: str) -> Selector:
    """Read what stands behind the `@`: a label, a number, or a digest's first digits.

    Raises:
        InvalidRequest: it is none of them.
    """
    if text.isascii() and text.isdigit() and len(text) < PREFIX_DIGITS_MIN and int(text):
        return Selector(number=int(text))
    if _PREFIX.fullmatch(text):
        return Selector(digest_prefix=text)
    return Selector(label=checked_label(text))


def checked_name(text: str) -> str:
    """Return a name that an object may have. Raises InvalidRequest."""
    if not _NAME.fullmatch(text):
        raise InvalidRequest(
            f"name: {text[:140]!r} can't be one; use letters, digits, dot, dash and underscore, "
            "up to 128, the first a letter or digit",
            param="name",
        )
    return text


def checked_label(text: str) -> str:
    """Return a name that a label or an environment may have. Raises InvalidRequest."""
    if not _LABEL.fullmatch(text) or _PREFIX.fullmatch(text):
        raise InvalidRequest(
            f"label: {text[:80]!r} can't be one; use letters, digits, dot, dash and underscore, "
            "up to 64, the first a letter; not only digits a to f",
            param="label",
        )
    return text


def is_digest(text: str) -> bool:
    """Whether this is a whole digest."""
    return _DIGEST.fullmatch(text) is not None

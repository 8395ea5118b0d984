"""What people may say of a task, what that comes to, and who may say it.

A task asks for one of four things. What somebody says becomes a *vote*: the port the node would
end at and, where data was edited or filled in, its digest. So many different people as the task
asks for must give the same vote; a changed vote takes the place of the earlier one; one rejection
ends the task. Four eyes on an edit therefore means four eyes on the same text.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import jsonschema_rs
import msgspec

from legato.core.errors import Forbidden, InvalidRequest
from legato.core.json_schema import refuse_address
from legato.core.schema_work import VISITS_MAX, depth_of, visits
from legato.flow.definition import DONE, Assignees

APPROVED: Final = "approved"
REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
_SHOWN_MAX: Final = 300


class Verdict(StrEnum):
    """What somebody says of a task."""

    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"
    CHOOSE = "choose"
    FILL = "fill"


_ALLOWED: Final[Mapping[str, frozenset[Verdict]]] = {
    "approve": frozenset({Verdict.APPROVE, Verdict.REJECT}),
    "edit": frozenset({Verdict.EDIT, Verdict.APPROVE, Verdict.REJECT}),
    "choose": frozenset({Verdict.CHOOSE}),
    "form": frozenset({Verdict.FILL}),
}


class Option(msgspec.Struct, frozen=True):
    """One of what may be chosen."""

    port: str
    description: str = ""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a task asks, with its content."""

    ask: str
    subject: str
    body: str = ""
    data: Any = None
    form: dict[str, Any] | None = None
    options: tuple[Option, ...] = ()


class Ruling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says: `port` of a choice, `data` of an edit or a form."""

    verdict: Verdict
    port: str = ""
    data: Any = None
    comment: str = ""


class Vote(msgspec.Struct, frozen=True):
    """What a ruling comes to: two are the same where both fields are."""

    port: str
    digest: str = ""
    data: Any = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides, as assignees and exclusions may name them."""

    id: str
    """`account:ID`, `key:NAME`, `operator:NAME`: under what it is written down."""
    names: frozenset[str] = frozenset()
    """Their account's id and login, or the key's name."""
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    overrides: bool = False
    """The operator at a terminal: may decide whatever a task's assignees are."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked by now, and who may not answer."""

    assignees: Assignees = Assignees()
    delegates: frozenset[str] = frozenset()
    """Names to whom it was delegated."""
    excluded: frozenset[str] = frozenset()
    """Names and ids of people who may not decide it."""


def vote_of(question: Question, ruling: Ruling) -> Vote:
    """Return what a ruling comes to.

    Raises:
        InvalidRequest: the task doesn't ask for that, or the data isn't as its form says.
    """
    if ruling.verdict not in _ALLOWED[question.ask]:
        wanted = " or ".join(sorted(_ALLOWED[question.ask]))
        msg = f"verdict: this task asks for another: {wanted}"
        raise InvalidRequest(msg, param="verdict")
    if ruling.verdict is Verdict.REJECT:
        return Vote(REJECTED)
    if ruling.verdict is Verdict.CHOOSE:
        ports = [one.port for one in question.options]
        if ruling.port not in ports:
            raise InvalidRequest(f"port: choose one of {', '.join(ports)}", param="port")
        return Vote(ruling.port)
    if ruling.verdict is Verdict.APPROVE:
        if question.ask == "approve":
            return Vote(APPROVED)
        return _with_data(APPROVED, question.data, question.form)
    port = APPROVED if ruling.verdict is Verdict.EDIT else DONE
    return _with_data(port, ruling.data, question.form)


def outcome_of(votes: Mapping[str, tuple[str, str]], needed: int) -> tuple[str, str] | None:
    """Return the vote (port, digest) that decides, None while more people are needed.

    `votes` are those given so far, by person.
    """
    given = list(votes.values())
    for vote in given:
        if vote[0] == REJECTED:
            return vote
    for vote in given:
        if given.count(vote) >= needed:
            return vote
    return None


def require_may_decide(person: Person, asked: Asked) -> None:
    """Return if somebody may decide. Raises Forbidden, saying what is against it."""
    if asked.excluded & {person.id, *person.names}:
        raise Forbidden(
            "This task wants another person: you decided a task it depends on, or started its run."
        )
    if person.overrides or is_asked(person, asked):
        return
    raise Forbidden("This task is assigned to others; one of them may delegate it to you.")


def is_asked(person: Person, asked: Asked) -> bool:
    """Whether a task is before somebody: named, by role, by team, or since nobody is named."""
    who = asked.assignees
    if not (who.accounts or who.roles or who.teams):
        return True
    return _is_meant(person, asked)


def is_named(person: Person, asked: Asked) -> bool:
    """Whether a task asks somebody by name, role or team, and doesn't exclude them."""
    return _is_meant(person, asked) and not asked.excluded & {person.id, *person.names}


def _is_meant(person: Person, asked: Asked) -> bool:
    who, mine = asked.assignees, {person.id, *person.names}
    return bool(
        mine & ({*who.accounts} | asked.delegates)
        or person.roles & {*who.roles}
        or person.teams & {*who.teams}
    )


def form_problem(form: Mapping[str, Any], data: Any) -> str:
    """Return what of filled-in data isn't as a JSON Schema says, with its place; "" for nothing."""
    if visits(form, depth_of(data)) > VISITS_MAX:
        return "the form's schema makes too much work for data that nests so deep"
    try:
        validator = jsonschema_rs.validator_for(dict(form), retriever=refuse_address)
    except jsonschema_rs.ValidationError as error:
        return f"the form is no valid JSON Schema: {error.message[:_SHOWN_MAX]}"
    for found in validator.iter_errors(data):
        place = "".join(f".{one}" for one in found.instance_path)
        return f"data{place}: {found.message[:_SHOWN_MAX]}"
    return ""


def names_of(people: Collection[str]) -> frozenset[str]:
    """Return people's ids and, of `kind:name`, the names: either may stand in a list."""
    return frozenset(people) | {one.partition(":")[2] for one in people if ":" in one}


def _with_data(port: str, data: Any, form: Mapping[str, Any] | None) -> Vote:
    if form is not None and (problem := form_problem(form, data)):
        raise InvalidRequest(problem, param="data")
    canonical = msgspec.json.encode(data, order="sorted")
    return Vote(port, blake2b(canonical, digest_size=16).hexdigest(), data)

"""Proposals: what a vendor's change would do to recorded traffic, and what is decided."""

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter, PathParameter, QueryParameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.storage.registry.proposals import Proposal as StoredProposal

Org = Annotated[
    str | None,
    Parameter(max_length=128, required=False, description="The caller's own unless named."),
]
State = Annotated[
    Literal["open", "accepting", "accepted", "reverting", "rejected"] | None,
    QueryParameter(name="state", required=False),
]
Command = Annotated[
    Literal["accept", "reject", "revert"], PathParameter(description="What to do with it.")
]


class Decision(Form, frozen=True, kw_only=True):
    """Why; kept with the decision."""

    reason: Annotated[str, Meta(max_length=2000)] = ""


class Proposal(Shown, frozen=True, kw_only=True):
    """A proposal; `told` says in words what it would change.

    One of a `threshold` names its policy and rule under `deployment`.
    `fact` is what the vendor announced, `changes` the objects as they are and as they would be.
    """

    id: str
    kind: Literal["price", "deprecation", "model", "threshold"]
    deployment: str
    state: Literal["open", "accepting", "accepted", "reverting", "rejected"]
    revision: int
    told: str
    fact: Any
    changes: Any
    made_at: str
    decided_at: str | None


class ProposalPage(Shown, frozen=True, kw_only=True):
    """A page of proposals, newest first."""

    data: list[Proposal]
    next_cursor: str | None


class ProposalEvent(Shown, frozen=True, kw_only=True):
    """What was done, by whom, and why."""

    at: str
    actor: str
    action: str
    reason: str


class ProposalWithEvents(Shown, frozen=True, kw_only=True):
    """A proposal, its report of the digital twin (null where it can't tell), what was done."""

    proposal: Proposal
    figures: Any
    events: list[ProposalEvent]


class Decided(Shown, frozen=True, kw_only=True):
    """What came of it: what moved in the registry, what the configuration file has yet to say."""

    proposal: Proposal
    applied: list[str]
    to_change: Any


@read("/proposals", Permission.PROPOSAL_READ, tags=["proposals"])
def list_proposals(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    in_state: State = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> ProposalPage:
    """List proposals, newest first."""
    store = services.proposals(_tenant(caller, org)).store
    rows, following = paged(
        services.cursors,
        "proposals",
        (cursor, limit),
        lambda count, before: store.page(count, before, in_state),
        name=lambda one: one.id,
    )
    return ProposalPage(data=[_shown(one) for one in rows], next_cursor=following)


@read("/proposals/{proposal_id:str}", Permission.PROPOSAL_READ, tags=["proposals"])
def get_proposal(
    services: Given[Services], caller: Given[Caller], *, proposal_id: Id, org: Org = None
) -> ProposalWithEvents:
    """Show a proposal with its figures and everything that was done."""
    store = services.proposals(_tenant(caller, org)).store
    found, events = store.get(known_id(proposal_id))
    told = [
        ProposalEvent(at=moment(one.at_ns), actor=one.actor, action=one.action, reason=one.reason)
        for one in events
    ]
    return ProposalWithEvents(proposal=_shown(found), figures=_plain(found.figures), events=told)


@make(
    "/proposals/{proposal_id:str}/{command:str}",
    Permission.PROPOSAL_DECIDE,
    tags=["proposals"],
    status_code=200,
)
def decide_proposal(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    proposal_id: Id,
    command: Command,
    data: JSONBody[Decision],
    org: Org = None,
) -> Response[Decided]:
    """Accept a proposal, reject it, or take an accepted one back."""

    def work() -> Made:
        desk = services.proposals(_tenant(caller, org))
        actor = caller.author
        done = desk.decide(command, known_id(proposal_id), actor, data.reason)
        told = Decided(
            proposal=_shown(done.proposal),
            applied=done.applied,
            to_change=msgspec.to_builtins(done.to_change),
        )
        return Made(told, status=200)

    return once(data, work)


HANDLERS = (list_proposals, get_proposal, decide_proposal)


def _tenant(caller: Caller, org: str | None) -> Tenant:
    return caller.tenant(org)


def _plain(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _shown(one: StoredProposal) -> Proposal:
    return msgspec.convert(
        {
            "id": one.id,
            "kind": one.kind,
            "deployment": one.subject,
            "state": one.state,
            "revision": one.revision,
            "told": one.told,
            "fact": _plain(one.fact),
            "changes": _plain(one.changes),
            "made_at": moment(one.made_at_ns),
            "decided_at": optional_moment(one.decided_at_ns),
        },
        Proposal,
    )

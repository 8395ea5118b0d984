"""One organisation's proposals: what a vendor's change would do, and what was decided."""

from types import MappingProxyType
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, Row, insert, select, update

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.proposals import proposal, proposal_event

OPEN: Final = "open"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
ACCEPTING: Final = "accepting"
REVERTING: Final = "reverting"
_BEFORE: Final = MappingProxyType({ACCEPTING: OPEN, REVERTING: ACCEPTED})
_AFTER: Final = MappingProxyType({ACCEPTING: ACCEPTED, REVERTING: OPEN})
_GONE_NS: Final = 60_000_000_000
"""Whoever began so long ago and isn't done has died: another may finish."""


class NewProposal(msgspec.Struct, frozen=True):
    """A fact and what it would change. `fact`, `changes` and `figures` are JSON."""

    digest: str
    kind: str
    subject: str
    fact: str
    changes: str
    figures: str | None
    told: str


class Proposal(msgspec.Struct, frozen=True):
    """A proposal as it is now; `revision` counts how often its figures were made.

    `decided_at_ns` is of its last decision, or of when one was begun that isn't carried out yet.
    """

    id: str
    kind: str
    subject: str
    state: str
    revision: int
    fact: str
    changes: str
    figures: str | None
    told: str
    made_at_ns: int
    decided_at_ns: int | None


class ProposalEvent(msgspec.Struct, frozen=True):
    """What was done with one."""

    at_ns: int
    actor: str
    action: str
    reason: str


class ProposalStore:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._new_id = ids.new
        self._org = tenant.org

    def raised(self, new: NewProposal, actor: str) -> Proposal | None:
        """Keep a proposal of a fact that has none yet; None where it has one, decided or not."""
        with writing(self._engine) as connection:
            known = self._of_fact(connection, new)
            return None if known is not None else self._made(connection, new, actor)

    def offer(self, new: NewProposal, actor: str) -> Proposal:
        """Keep a proposal. One that is open gets new figures, a decided one stays as it is."""
        with writing(self._engine) as connection:
            known = self._of_fact(connection, new)
            if known is None:
                made = self._made(connection, new, actor)
                if made is not None:
                    return made
                known = self._of_fact(connection, new)  # another process was just faster
            if known is None:
                raise AssertionError("a proposal is never deleted")
            if known.state != OPEN:
                return known
            values = {**msgspec.structs.asdict(new), "made_at_ns": self._now_ns()}
            again = update(proposal).where(
                proposal.c.org == self._org, proposal.c.id == known.id, proposal.c.state == OPEN
            )
            done = connection.execute(again.values(**values, revision=known.revision + 1))
            if done.rowcount:
                self._note(connection, known.id, (actor, "refreshed", ""))
            return self._get(connection, known.id)

    def get(self, proposal_id: str) -> tuple[Proposal, list[ProposalEvent]]:
        """Return one and its history. Raises NotFound."""
        columns = proposal_event.c
        events = (
            select(proposal_event)
            .where(columns.org == self._org, columns.proposal_id == proposal_id)
            .order_by(columns.id)
        )
        with reading(self._engine) as connection:
            found = self._get(connection, proposal_id)
            rows = connection.execute(events).all()
        told = [ProposalEvent(row.at_ns, row.actor, row.action, row.reason) for row in rows]
        return found, told

    def page(
        self, count: int, before_id: str | None = None, state: str | None = None
    ) -> list[Proposal]:
        """Return up to `count`, newest first, that are older than an id."""
        columns = proposal.c
        wanted = select(proposal).where(columns.org == self._org)
        if before_id is not None:
            wanted = wanted.where(columns.id < before_id)
        if state is not None:
            wanted = wanted.where(columns.state == state)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(columns.id.desc()).limit(count)).all()
        return [_proposal(row) for row in rows]

    def reject(self, proposal_id: str, actor: str, reason: str) -> Proposal:
        """Decide against an open proposal.

        Raises:
            NotFound: there is none.
            Conflict: it isn't open.
        """
        with writing(self._engine) as connection:
            known = self._get(connection, proposal_id)
            if not self._step(connection, known, OPEN, (REJECTED, self._now_ns())):
                raise Conflict(f"proposal {proposal_id} is {known.state}, not {OPEN}")
            self._note(connection, proposal_id, (actor, REJECTED, reason))
            return self._get(connection, proposal_id)

    def begin(self, proposal_id: str, through: str) -> Proposal:
        """Begin to accept an open proposal (ACCEPTING), or to take one back (REVERTING).

        One at a time does. What somebody began and left for a minute can be taken over.

        Raises:
            NotFound: there is none.
            Conflict: it isn't in the state that this begins from, or somebody else is at it.
        """
        before = _BEFORE[through]
        with writing(self._engine) as connection:
            known, now_ns = self._get(connection, proposal_id), self._now_ns()
            began_ns = known.decided_at_ns or 0
            if known.state == through and began_ns > now_ns - _GONE_NS:
                raise Conflict(
                    f"somebody else is {through} proposal {proposal_id}: look again in a minute"
                )
            if known.state not in {before, through}:
                raise Conflict(f"proposal {proposal_id} is {known.state}, not {before}")
            if not self._step(connection, known, known.state, (through, now_ns)):
                raise Conflict(f"somebody else decided on proposal {proposal_id}: look again")
            return self._get(connection, proposal_id)

    def finish(self, begun: Proposal, actor: str, reason: str) -> Proposal:
        """Note that what was begun is carried out.

        Raises:
            Conflict: another has taken it over.
        """
        to = _AFTER[begun.state]
        with writing(self._engine) as connection:
            decided_ns = None if to == OPEN else self._now_ns()
            if not self._step(connection, begun, begun.state, (to, decided_ns)):
                raise Conflict(f"somebody else decided on proposal {begun.id}: look again")
            action = "reverted" if to == OPEN else to
            self._note(connection, begun.id, (actor, action, reason))
            return self._get(connection, begun.id)

    def give_up(self, begun: Proposal) -> None:
        """Put back what was begun and can't be carried out, unless another has taken it over."""
        before = _BEFORE[begun.state]
        decided_ns = None if before == OPEN else begun.decided_at_ns
        with writing(self._engine) as connection:
            self._step(connection, begun, begun.state, (before, decided_ns))

    def _step(
        self, connection: Connection, seen: Proposal, state: str, to: tuple[str, int | None]
    ) -> bool:
        """Take one from a state to another; False where it isn't as it was seen any more."""
        columns = proposal.c
        change = update(proposal).where(
            columns.org == self._org,
            columns.id == seen.id,
            columns.state == state,
            columns.decided_at_ns.is_not_distinct_from(seen.decided_at_ns),
        )
        done = connection.execute(change.values(state=to[0], decided_at_ns=to[1]))
        return done.rowcount == 1

    def _of_fact(self, connection: Connection, new: NewProposal) -> Proposal | None:
        columns = proposal.c
        wanted = select(proposal).where(columns.org == self._org, columns.digest == new.digest)
        row = connection.execute(wanted).first()
        return None if row is None else _proposal(row)

    def _made(self, connection: Connection, new: NewProposal, actor: str) -> Proposal | None:
        """Keep one; None where another process has just done so."""
        made = {
            **msgspec.structs.asdict(new),
            "id": self._new_id(),
            "org": self._org,
            "state": OPEN,
            "revision": 1,
            "made_at_ns": self._now_ns(),
        }
        once = upsert(connection, proposal).values(made).on_conflict_do_nothing()
        if connection.execute(once.returning(proposal.c.id)).first() is None:
            return None
        self._note(connection, made["id"], (actor, "proposed", ""))
        return self._get(connection, made["id"])

    def _note(self, connection: Connection, proposal_id: str, told: tuple[str, str, str]) -> None:
        actor, action, reason = told
        row = {
            "id": self._new_id(),
            "org": self._org,
            "proposal_id": proposal_id,
            "at_ns": self._now_ns(),
            "actor": actor,
            "action": action,
            "reason": reason,
        }
        connection.execute(insert(proposal_event), row)
        subject = Subject("proposal", proposal_id)
        act = Act(self._org, f"proposal.{action}", subject, reason=reason, details={"by": actor})
        recorded(connection, act)

    def _get(self, connection: Connection, proposal_id: str) -> Proposal:
        wanted = select(proposal).where(proposal.c.org == self._org, proposal.c.id == proposal_id)
        row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"There is no proposal {proposal_id!r}.", param="id")
        return _proposal(row)


def _proposal(row: Row[*tuple[object, ...]]) -> Proposal:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Proposal(**{name: values[name] for name in Proposal.__struct_fields__})

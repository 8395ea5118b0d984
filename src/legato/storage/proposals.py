"""One organisation's proposals: what a vendor's change would do, and what was decided."""

from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, Row, insert, select, update

from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.engine import reading, writing
from legato.storage.proposal_schema import proposal, proposal_event

OPEN: Final = "open"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
STATES: Final = (OPEN, ACCEPTED, REJECTED)


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
    """A proposal as it is now; `revision` counts how often its figures were made."""

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
            return None if self._of_fact(connection, new) else self._made(connection, new, actor)

    def offer(self, new: NewProposal, actor: str) -> Proposal:
        """Keep a proposal. One that is open gets new figures, a decided one stays as it is."""
        with writing(self._engine) as connection:
            known = self._of_fact(connection, new)
            if known is None:
                return self._made(connection, new, actor)
            if known.state != OPEN:
                return known
            values = {**msgspec.structs.asdict(new), "made_at_ns": self._now_ns()}
            again = update(proposal).where(
                proposal.c.org == self._org, proposal.c.id == known.id, proposal.c.state == OPEN
            )
            connection.execute(again.values(**values, revision=known.revision + 1))
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

    def decide(self, proposal_id: str, to: str, actor: str, reason: str) -> Proposal:
        """Accept or reject an open proposal, or take an accepted one back (`to` open).

        Raises:
            NotFound: there is none.
            Conflict: it isn't in the state that this begins from.
        """
        before = ACCEPTED if to == OPEN else OPEN
        with writing(self._engine) as connection:
            known = self._get(connection, proposal_id)
            decided_ns = None if to == OPEN else self._now_ns()
            change = (
                update(proposal)
                .where(
                    proposal.c.org == self._org,
                    proposal.c.id == proposal_id,
                    proposal.c.state == before,
                )
                .values(state=to, decided_at_ns=decided_ns)
            )
            if connection.execute(change).rowcount == 0:
                raise Conflict(f"proposal {proposal_id} is {known.state}, not {before}")
            action = "reverted" if to == OPEN else to
            self._note(connection, proposal_id, (actor, action, reason))
            return self._get(connection, proposal_id)

    def _of_fact(self, connection: Connection, new: NewProposal) -> Proposal | None:
        columns = proposal.c
        wanted = select(proposal).where(columns.org == self._org, columns.digest == new.digest)
        row = connection.execute(wanted).first()
        return None if row is None else _proposal(row)

    def _made(self, connection: Connection, new: NewProposal, actor: str) -> Proposal:
        made = {
            **msgspec.structs.asdict(new),
            "id": self._new_id(),
            "org": self._org,
            "state": OPEN,
            "revision": 1,
            "made_at_ns": self._now_ns(),
        }
        connection.execute(insert(proposal), made)
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

    def _get(self, connection: Connection, proposal_id: str) -> Proposal:
        wanted = select(proposal).where(proposal.c.org == self._org, proposal.c.id == proposal_id)
        row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"There is no proposal {proposal_id!r}.", param="id")
        return _proposal(row)


def _proposal(row: Row[*tuple[object, ...]]) -> Proposal:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Proposal(**{name: values[name] for name in Proposal.__struct_fields__})

"""Workflows as pages: published, found by their names, revoked."""

from typing import Any, Final

import msgspec
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Area, Reach, reaches
from legato.flow.definition import Assignees
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.workflows import workflow_page

_c: Final = workflow_page.c
_FOR_MAX: Final = 500
"""Characters of an audience that the audit log keeps."""


class WorkflowPage(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow as a page. `key_id` is the key that its runs act for."""

    org: str
    team: str
    feature: str
    name: str
    kind: str
    """`form` or `chat`."""
    workflow: str
    title: str
    about: str
    audience: Assignees
    """Who may use it; none named: whoever may use pages of its feature."""
    key_id: str
    author: str
    id: str = ""
    created_at_ns: int = 0
    ended_at_ns: int | None = None


class WorkflowPages:
    """Those within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._ids = ids
        self._reach = reach

    def publish(self, said: WorkflowPage) -> WorkflowPage:
        """Keep one.

        Raises:
            NotFound: its feature is out of reach.
            Conflict: a page of the organisation has this name.
        """
        if not reaches(self._reach, Area(said.org, said.team, said.feature)):
            raise NotFound(f"there is no organisation {said.org}", param="org")
        made = msgspec.structs.replace(said, id=self._ids.new(), created_at_ns=self._now_ns())
        row = msgspec.structs.asdict(made)
        row["audience"] = msgspec.json.encode(made.audience).decode()
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(workflow_page), row)
                recorded(connection, _act(made, "publish"))
        except IntegrityError:
            raise Conflict(taken(made.name), param="name") from None
        return made

    def page(self, count: int, after_id: str = "") -> list[WorkflowPage]:
        """Return up to `count` in force whose ids come after one, in the order of ids."""
        return self._read(count, _c.id > after_id)

    def named(self, name: str) -> list[WorkflowPage]:
        """Return those in force that have a name: one of each organisation."""
        return self._read(None, _c.name == name)

    def get(self, page_id: str) -> WorkflowPage:
        """Return one in force. Raises NotFound."""
        for found in self._read(1, _c.id == page_id):
            return found
        raise NotFound("there is no such page", param="id")

    def change(self, page_id: str, changed: WorkflowPage) -> WorkflowPage:
        """Give one in force the title, the text and the audience of another. Raises NotFound."""
        found = self.get(page_id)
        now = msgspec.structs.replace(
            found, title=changed.title, about=changed.about, audience=changed.audience
        )
        if now == found:
            return found
        audience = msgspec.json.encode(now.audience).decode()
        written = update(workflow_page).where(
            _c.id == page_id, _c.ended_at_ns.is_(None), *within(self._reach, workflow_page)
        )
        with writing(self._engine) as connection:
            values = {"title": now.title, "about": now.about, "audience": audience}
            if not connection.execute(written.values(values)).rowcount:
                raise NotFound("there is no such page", param="id")
            recorded(connection, _act(now, "change"))
        return now

    def revoke(self, page_id: str) -> WorkflowPage:
        """End one for good. Raises NotFound."""
        found = self.get(page_id)
        ended = msgspec.structs.replace(found, ended_at_ns=self._now_ns())
        gone = update(workflow_page).where(
            _c.id == page_id, _c.ended_at_ns.is_(None), *within(self._reach, workflow_page)
        )
        with writing(self._engine) as connection:
            if connection.execute(gone.values(ended_at_ns=ended.ended_at_ns)).rowcount:
                recorded(connection, _act(found, "revoke"))
        return ended

    def _read(self, count: int | None, *conditions: Any) -> list[WorkflowPage]:
        wanted = select(workflow_page).where(
            _c.ended_at_ns.is_(None), *conditions, *within(self._reach, workflow_page)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_c.id).limit(count)).mappings()
            return [_page(dict(row)) for row in rows]


def taken(name: str) -> str:
    """Say that a name is taken."""
    return f"name: a page {name} is published already: revoke it first, or pick another name"


def _page(row: dict[str, Any]) -> WorkflowPage:
    audience = msgspec.json.decode(row.pop("audience"), type=Assignees)
    return WorkflowPage(audience=audience, **row)


def _act(one: WorkflowPage, action: str) -> Act:
    who = one.audience
    details: dict[str, Detail] = {
        "name": one.name,
        "kind": one.kind,
        "workflow": one.workflow,
        "team": one.team,
        "feature": one.feature,
        "key": one.key_id,
        "for": " ".join([*who.roles, *who.teams])[:_FOR_MAX],
        "accounts": len(who.accounts),
    }
    return Act(
        one.org, f"workflow_page.{action}", Subject("workflow_page", one.id), details=details
    )

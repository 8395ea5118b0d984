"""Workflows published as pages, for who publishes them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, known_id
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.resources.key_making import key_budget, made_key
from legato.api.control.resources.page_forms import (
    NewPage,
    Page,
    PageChange,
    PageList,
    assignees,
    shown_page,
)
from legato.api.control.services import Services
from legato.core.errors import Conflict, InvalidRequest
from legato.core.permission import Permission
from legato.core.principal import Scope
from legato.core.tenant import Tenant
from legato.storage.tenants.key_records import KeySpec
from legato.storage.tenants.places import Kind, Place
from legato.storage.workflows.pages import WorkflowPage, taken

_TAGS: Final = ["workflow pages"]
_CHAT: Final = "chat"


@read("/workflow-pages", Permission.PAGE_READ, tags=_TAGS)
def list_workflow_pages(
    services: Given[Services], caller: Given[Caller], cursor: Cursor = None, limit: Limit = LIMIT
) -> PageList:
    """List published workflows within reach, in the order they were published."""
    store = services.pages(caller.reach)
    rows, following = paged(
        services.cursors,
        "workflow pages",
        (cursor, limit),
        lambda count, after: store.page(count, after or ""),
        name=lambda one: one.id,
    )
    return PageList(data=[shown_page(one) for one in rows], next_cursor=following)


@make("/workflow-pages", Permission.PAGE_CREATE, tags=_TAGS)
def publish_workflow_page(
    services: Given[Services], caller: Given[Caller], once: Given[Once], data: JSONBody[NewPage]
) -> Response[Page]:
    """Publish a workflow as a page for people who sign in, with a key of its own for its budget."""

    def work() -> Made:
        feature = services.places(caller.reach).get(Kind.FEATURE, known_id(data.feature_id))
        _require_fits(services, feature.org, data)
        store = services.pages(caller.reach)
        if any(one.org == feature.org for one in store.named(data.name)):
            raise Conflict(taken(data.name), param="name")
        record, _ = made_key(services, caller, _key_spec(caller, data, feature))
        said = WorkflowPage(
            org=feature.org, team=feature.team, feature=feature.name, name=data.name,
            kind=data.kind, workflow=data.workflow, title=data.title, about=data.about,
            audience=assignees(data.audience), key_id=record.id, author=caller.author,
        )  # fmt: skip
        try:
            made = store.publish(said)
        except Conflict:  # another was quicker: its key is not this one
            services.keys(caller.reach).revoke(record.id)
            raise
        return Made(shown_page(made), {"location": f"/api/v1/workflow-pages/{made.id}"})

    return once(data, work)


@make("/workflow-pages/{page_id:str}/change", Permission.PAGE_CREATE, tags=_TAGS, status_code=200)
def change_workflow_page(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    page_id: Id,
    data: JSONBody[PageChange],
) -> Response[Page]:
    """Change a page's title, text or audience; who has it open is held to the new one at once."""

    def work() -> Made:
        store = services.pages(caller.reach)
        found = store.get(known_id(page_id))
        audience = None if data.audience is None else assignees(data.audience)
        said = {"title": data.title, "about": data.about, "audience": audience}
        given = {name: value for name, value in said.items() if value is not None}
        changed = store.change(found.id, msgspec.structs.replace(found, **given))
        return Made(shown_page(changed), status=200)

    return once(data, work)


@make("/workflow-pages/{page_id:str}/revoke", Permission.PAGE_REVOKE, tags=_TAGS, status_code=200)
def revoke_workflow_page(
    services: Given[Services], caller: Given[Caller], once: Given[Once], page_id: Id
) -> Response[Page]:
    """End a page and its key: nobody begins anything there, and runs under way call no models."""

    def work() -> Made:
        gone = services.pages(caller.reach).revoke(known_id(page_id))
        services.keys(Tenant(gone.org)).revoke(gone.key_id)
        return Made(shown_page(gone), status=200)

    return once(None, work)


HANDLERS = (
    list_workflow_pages,
    publish_workflow_page,
    change_workflow_page,
    revoke_workflow_page,
)


def _key_spec(caller: Caller, data: NewPage, feature: Place) -> KeySpec:
    return KeySpec(
        name=f"page-{feature.org}-{data.name}"[:128],
        org=feature.org,
        team=feature.team,
        feature=feature.name,
        scopes=frozenset({Scope.CALL}),
        models=frozenset(data.models),
        tags={"page": data.name},
        budget=key_budget(data.budget),
        require=caller.principal.require,
    )


def _require_fits(services: Services, org: str, data: NewPage) -> None:
    """Refuse a workflow of which no such page can be made. Raises NotFound, InvalidRequest."""
    found = services.workflow_definitions.resolve(org, data.workflow, services.new_secret())
    schema = found.definition.input
    fields = {} if schema is None else schema.get("properties", {})
    if not isinstance(fields, Mapping) or not fields:
        msg = (
            f"workflow: {data.workflow} doesn't say what it takes: give its `input` a JSON Schema"
            " with `properties`, of which the page is made"
        )
        raise InvalidRequest(msg, param="workflow")
    if data.kind == _CHAT and _kind_of(fields.get("messages")) != "array":
        msg = (
            f"workflow: a chat gives the conversation as `messages`: {data.workflow} must take a"
            " list of that name in its `input`"
        )
        raise InvalidRequest(msg, param="workflow")


def _kind_of(schema: Any) -> Any:
    return schema.get("type") if isinstance(schema, Mapping) else None

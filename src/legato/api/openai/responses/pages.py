"""What is kept of responses: read, listed and deleted by their organisation alone."""

from typing import TYPE_CHECKING, Any

from legato.api.openai.files import answered, read_query
from legato.core.errors import InvalidRequest

if TYPE_CHECKING:
    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.gateway.conversations import Conversations

_LIMIT_DEFAULT = 20
_LIMIT_MAX = 100


def response_page(conversations: "Conversations") -> "Resource":
    """Show a kept response."""

    async def show(exchange: "Exchange", caller: "Principal", response_id: str) -> Any:
        if read_query(exchange).get("stream") == "true":
            msg = "stream: a kept response is answered whole; leave it out"
            raise InvalidRequest(msg, param="stream")
        return (await conversations.find(caller.org, response_id)).response

    return answered(show)


def forget_page(conversations: "Conversations") -> "Resource":
    """Delete a kept response; nothing can follow it any more."""

    async def forget(_exchange: "Exchange", caller: "Principal", response_id: str) -> Any:
        await conversations.forget(caller.org, response_id)
        return {"id": response_id, "object": "response", "deleted": True}

    return answered(forget)


def input_items_page(conversations: "Conversations") -> "Resource":
    """List the input items of a kept response, newest first unless asked otherwise."""

    async def list_items(exchange: "Exchange", caller: "Principal", response_id: str) -> Any:
        kept = await conversations.find(caller.org, response_id)
        return _listed(kept.input, read_query(exchange))

    return answered(list_items)


def _listed(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    limit, order = query.get("limit", str(_LIMIT_DEFAULT)), query.get("order", "desc")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= _LIMIT_MAX):
        msg = f"limit: must be an integer from 1 to {_LIMIT_MAX}"
        raise InvalidRequest(msg, param="limit")
    if order not in {"asc", "desc"}:
        msg = "order: must be asc or desc"
        raise InvalidRequest(msg, param="order")
    ordered = items if order == "asc" else items[::-1]
    after = query.get("after")
    if after is not None:
        ids = [item["id"] for item in ordered]
        if after not in ids:
            msg = "after: no item has this id"
            raise InvalidRequest(msg, param="after")
        ordered = ordered[ids.index(after) + 1 :]
    page = ordered[: int(limit)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(ordered) > len(page),
    }

"""What is kept of responses: read, listed and deleted by their organisation alone."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from legato.api.openai.errors import error_body
from legato.core.errors import InvalidRequest, LegatoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from legato.api.data_plane import Resource
    from legato.api.http1.exchange import Exchange
    from legato.gateway.conversations import Conversations
    from legato.governance.keyring import Keyring

_JSON = (b"content-type", b"application/json")
_LIMIT_DEFAULT = 20
_LIMIT_MAX = 100


def response_page(keyring: "Keyring", conversations: "Conversations") -> "Resource":
    """Show a kept response."""

    async def show(exchange: "Exchange", response_id: str) -> Any:
        org = (await keyring.identify(exchange.credential)).org
        if _query(exchange).get("stream") == "true":
            msg = "stream: a kept response is answered whole; leave it out"
            raise InvalidRequest(msg, param="stream")
        return (await conversations.find(org, response_id)).response

    return _page(show)


def forget_page(keyring: "Keyring", conversations: "Conversations") -> "Resource":
    """Delete a kept response; nothing can follow it any more."""

    async def forget(exchange: "Exchange", response_id: str) -> Any:
        org = (await keyring.identify(exchange.credential)).org
        await conversations.forget(org, response_id)
        return {"id": response_id, "object": "response", "deleted": True}

    return _page(forget)


def input_items_page(keyring: "Keyring", conversations: "Conversations") -> "Resource":
    """List the input items of a kept response, newest first unless asked otherwise."""

    async def list_items(exchange: "Exchange", response_id: str) -> Any:
        org = (await keyring.identify(exchange.credential)).org
        kept = await conversations.find(org, response_id)
        return _listed(kept.input, _query(exchange))

    return _page(list_items)


def _page(answer: "Callable[[Exchange, str], Awaitable[Any]]") -> "Resource":
    async def page(exchange: "Exchange", response_id: str) -> None:
        try:
            body = await answer(exchange, response_id)
        except LegatoError as error:
            await exchange.reply(error.http_status, [_JSON], error_body(error))
        else:
            await exchange.reply(200, [_JSON], msgspec.json.encode(body))

    return page


def _query(exchange: "Exchange") -> dict[str, str]:
    given = parse_qs(exchange.query.decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[-1] for name, values in given.items()}


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

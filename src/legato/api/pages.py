"""The pages that are no model calls: the model list, health, metrics."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from legato.core.errors import Forbidden, NotFound
from legato.core.principal import Scope

if TYPE_CHECKING:
    from legato.api.endpoints import Page, Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.gateway.directory import Directory
    from legato.governance.keyring import Keyring

_JSON = (b"content-type", b"application/json")
_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


def models_page(
    directory: "Directory", prompts: Callable[["Principal"], list[str]], created_s: int
) -> "Resource":
    """List what the key can call, in the one shape that both vendors' clients read."""

    async def page(exchange: "Exchange", principal: "Principal", _id: str) -> None:
        owners = [
            (name, "legato" if route.name else route.deployments[0].provider_name)
            for name, route in directory.names(principal)
        ]
        owners += [(name, "legato") for name in prompts(principal)]
        data = [
            {
                "id": name,
                "object": "model",
                "type": "model",
                "display_name": name,
                "created": created_s,
                "owned_by": owner,
            }
            for name, owner in owners
        ]
        first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
        body = {
            "object": "list",
            "data": data,
            "has_more": False,
            "first_id": first,
            "last_id": last,
        }
        await exchange.reply(200, [_JSON], msgspec.json.encode(body))

    return page


async def healthz(exchange: "Exchange") -> None:
    """Say that this worker's loop runs."""
    await exchange.reply(200, [_JSON], b'{"status":"ok"}')


async def front_door(exchange: "Exchange") -> None:
    """Send a browser to the console; relative, as a proxy may have taken a prefix away."""
    if b"text/html" not in (exchange.header(b"accept") or b""):
        msg = "There is nothing at /; browsers are sent to the console at /ui/."
        raise NotFound(msg)
    await exchange.reply(307, [(b"location", b"ui/"), (b"vary", b"accept")], b"")


def readyz(problems: Callable[[], list[str]]) -> "Page":
    """Say whether calls can be served, and if not, why."""

    async def page(exchange: "Exchange") -> None:
        found = problems()
        body = {"status": "unready" if found else "ready", "problems": found}
        await exchange.reply(503 if found else 200, [_JSON], msgspec.json.encode(body))

    return page


def metrics_page(keyring: "Keyring", render: Callable[[], bytes], *, open_to_all: bool) -> "Page":
    """Show the metrics of all workers; beyond loopback only to an admin key."""

    async def page(exchange: "Exchange") -> None:
        if not open_to_all:
            principal = await keyring.identify(exchange.credential, exchange.address)
            if Scope.ADMIN not in principal.scopes:
                msg = "Metrics need an admin key when the listener is not on loopback."
                raise Forbidden(msg)
        await exchange.reply(200, [_TEXT], render())

    return page

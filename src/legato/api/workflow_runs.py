"""`POST /v1/workflows/NAME/runs`: begins a run of a workflow, and waits for it where asked to."""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import msgspec

from legato.api.body import boolean, refuse, text
from legato.core.errors import InvalidRequest
from legato.gateway.stages.read import read_json
from legato.storage.workflows.rows import ENDED
from legato.workflows.runs.asked import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.core.tasks import InThread
    from legato.workflows.runs.called import CalledRuns
    from legato.workflows.runs.workflows import RunView

WAIT_S_MAX: Final = 60.0
BODY_BYTES_MAX: Final = 1024 * 1024
ONCE_CHARS_MAX: Final = 128
_USER_CHARS_MAX: Final = 200
_LOOK_S, _LOOK_MAX_S = 0.05, 0.5
_FIELDS: Final = ("input", "user", "test")
_JSON = (b"content-type", b"application/json")
_NS_PER_S = 1_000_000_000


class RunPages:
    """Pages of runs; `ask_store` runs what blocks, `opened` loads and opens what they ask."""

    def __init__(self, opened: "Callable[[], CalledRuns]", ask_store: "InThread") -> None:
        self._opened = opened
        self._ask = ask_store

    def resources(self) -> dict[str, "Resource"]:
        """Return the pages by what they do."""
        return {"create": self.create, "show": self.show}

    async def create(self, exchange: "Exchange", caller: "Principal", workflow: str) -> None:
        """Begin a run: 202 with its id; with `wait`, 200 where it ends within these seconds."""
        await self._ask(lambda: self._opened().require(caller, workflow))
        asked, wait_s = await _read(exchange, caller), _wait_s(exchange.query)
        view = await self._ask(lambda: self._opened().begin(caller, workflow, asked))
        view = await self._waited(caller, view, wait_s)
        await _reply(exchange, view)

    async def show(self, exchange: "Exchange", caller: "Principal", run_id: str) -> None:
        """Show a run that this key began; `wait` as above."""
        wait_s = _wait_s(exchange.query)
        view = await self._ask(lambda: self._opened().look(caller, run_id))
        await _reply(exchange, await self._waited(caller, view, wait_s))

    async def _waited(self, caller: "Principal", view: "RunView", wait_s: float) -> "RunView":
        """Return the run once it has ended, or as it stands when time is up."""
        run_id, look_s = view.row.id, _LOOK_S
        until_s = time.monotonic() + wait_s
        over = view.row.status in ENDED
        while not over and (left_s := until_s - time.monotonic()) > 0:
            await asyncio.sleep(min(look_s, left_s))
            look_s = min(_LOOK_MAX_S, look_s * 1.5)
            over = await self._ask(lambda: self._opened().has_ended(caller, run_id))
        if wait_s <= 0:
            return view
        seen: RunView = await self._ask(lambda: self._opened().look(caller, run_id))
        return seen


async def _read(exchange: "Exchange", caller: "Principal") -> Asked:
    raw = await exchange.body(BODY_BYTES_MAX)
    body: dict[str, Any] = read_json(raw) if raw else {}
    for field in body:
        if field not in _FIELDS:
            raise refuse(field[:100], f"is not known here; known are {', '.join(_FIELDS)}")
    header = (exchange.header(b"x-legato-user") or b"").decode("utf-8", "replace")
    user = caller.user or text(body, "user") or header
    if len(user) > _USER_CHARS_MAX:
        raise refuse("user", f"longer than {_USER_CHARS_MAX} characters")
    once = (exchange.header(b"idempotency-key") or b"").decode("latin-1")
    if len(once) > ONCE_CHARS_MAX or not once.isascii() or not (once + "x").isprintable():
        told = f"up to {ONCE_CHARS_MAX} printable characters of ASCII"
        raise InvalidRequest(f"idempotency-key: {told}", param="idempotency-key")
    return Asked(input=body.get("input"), user=user, test=boolean(body, "test"), once=once)


def _wait_s(query: bytes) -> float:
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("wait", ["0"])[-1]
    if not (given.isascii() and given.isdigit() and len(given) <= 4 and int(given) <= WAIT_S_MAX):  # noqa: PLR2004
        msg = f"wait: a number of seconds from 0 to {WAIT_S_MAX:.0f}"
        raise InvalidRequest(msg, param="wait")
    return float(given)


async def _reply(exchange: "Exchange", view: "RunView") -> None:
    row = view.row
    answer: dict[str, Any] = {
        "id": row.id,
        "object": "workflow.run",
        "workflow": row.workflow,
        "status": row.status,
        "created_at": row.created_at_ns // _NS_PER_S,
    }
    over = row.status in ENDED
    if row.status == "done":
        answer["output"] = view.end.output
    elif over:
        answer["error"] = {"code": row.told, "message": view.end.message, "node": row.failed_node}
    headers = [_JSON]
    if not over:
        headers.append((b"location", b"/v1/workflows/runs/" + row.id.encode()))
    await exchange.reply(200 if over else 202, headers, msgspec.json.encode(answer))

"""What `legato tools` does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from legato.app.checks.configuration import storage_secret
from legato.app.checks.instance import find_instance
from legato.app.config.problems import Path as ConfigPath
from legato.app.desks.tools import open_toolbox
from legato.audit.event import Act, Subject
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.connectors.catalogue import Toolbox
from legato.connectors.tool import ToolContext
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest
from legato.core.ids import IdSource
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import open_engine, writing

Place = tuple[Path, Path | None]
_Result = TypeVar("_Result")
_DESCRIPTION_MAX = 60


def list_tools(place: Place, org: str, *, as_json: bool) -> None:
    """Print all that an organisation may name."""
    offered = _with(place, lambda toolbox: toolbox.offered(org))
    if as_json:
        print_json(
            [
                {
                    "name": one.entry.name,
                    "problem": one.problem,
                    "tools": msgspec.to_builtins(one.specs),
                }
                for one in offered
            ]
        )
        return
    rows: list[tuple[str, ...]] = []
    for one in offered:
        rows += [
            (spec.name, one.entry.name, spec.kind, spec.approval, _short(spec.description))
            for spec in one.specs
        ]
        if one.problem:
            rows.append(("", one.entry.name, "", "", f"can't be learnt: {one.problem}"))
    print_table(("tool", "source", "kind", "approval", "what"), rows)


def show(place: Place, tool: str, org: str) -> None:
    """Print one."""
    print_json(msgspec.to_builtins(_with(place, lambda toolbox: toolbox.find(tool, org))))


def call(place: Place, tool: str, arguments: str, whose: tuple[str, str]) -> None:
    """Call one and print what it answers."""
    org, key = whose
    try:
        read = msgspec.json.decode(arguments, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"--arguments: a JSON object is needed: {error}") from None
    context = ToolContext(key or f"by-hand/{IdSource(SystemClock()).new()}", org)
    with writing(open_engine(find_instance(*place).database_url)) as connection:
        recorded(connection, Act(org, "tool.call", Subject("tool", tool)))
    print_json(_with(place, lambda toolbox: toolbox.call(tool, read, context)))


def tool_secrets(path: ConfigPath) -> bool:
    """Read what calling tools needs."""
    return path[:1] == ("tools",) or storage_secret(path)


def _with(place: Place, work: Callable[[Toolbox], Awaitable[_Result]]) -> _Result:
    loaded = find_instance(*place, secrets=tool_secrets).loaded

    async def run() -> _Result:
        toolbox = open_toolbox(loaded)
        try:
            return await work(toolbox)
        finally:
            await toolbox.close()

    return asyncio.run(run())


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _DESCRIPTION_MAX else line[: _DESCRIPTION_MAX - 1] + "…"

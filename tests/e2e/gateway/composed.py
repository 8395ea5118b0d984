"""A worker's app as the composition root builds it, in this process: its table of routes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
from typing import TYPE_CHECKING

from running import ADMIN, CALLER

from legato.api.http1.connection import Listener
from legato.api.http1.limits import ConnectionLimits
from legato.app.bootstrap import build_gateway
from legato.app.checks.configuration import load
from legato.app.config.data_dir import DataDir
from legato.app.context import WorkerContext
from legato.app.startup import prepare_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from legato.app.bootstrap import Gateway


def routes_of(folder: Path, config: str, variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every (method, path) that an app of this configuration serves."""

    async def read() -> list[tuple[str, str]]:
        async with composed(folder, config, variables) as gateway:
            return [(one.method, one.path) for one in gateway.app.endpoints]

    return asyncio.run(read())


def statuses(
    folder: Path, config: str, variables: Mapping[str, str], asked: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """The status of each (path, key), the app being served on loopback whatever its `host`."""

    def ask(port: int, path: str, key: str) -> int:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as line:
            line.request("GET", path, headers={"authorization": f"Bearer {key}"} if key else {})
            return line.getresponse().status

    async def serve() -> dict[tuple[str, str], int]:
        async with composed(folder, config, variables) as gateway:
            gateway.keyring.load()
            listener = Listener(gateway.app, ConnectionLimits())
            loop = asyncio.get_running_loop()
            server = await loop.create_server(listener, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            found = {pair: await asyncio.to_thread(ask, port, *pair) for pair in asked}
            server.close()
            await listener.drain(1.0)
            return found

    return asyncio.run(serve())


@contextlib.asynccontextmanager
async def composed(
    folder: Path, config: str, variables: Mapping[str, str]
) -> AsyncIterator[Gateway]:
    data = DataDir(folder)
    data.create()
    file = folder / "legato.yaml"
    file.write_text(config)
    secrets = {"CALLER_KEY": CALLER, "LEGATO_ADMIN_KEY": ADMIN, **variables}
    loaded = load(file, secrets)
    os.environ["LEGATO_ADMIN_KEY"] = ADMIN
    try:
        prepared = prepare_database(data.database_url, loaded, data)
    finally:
        del os.environ["LEGATO_ADMIN_KEY"]
    context = WorkerContext(
        boot_id="composed",
        loaded=loaded,
        data=data,
        database_url=data.database_url,
        worker=0,
        generation=0,
        workers=1,
        listeners=(),
        managed={},
        root=prepared.root,
        credentials=prepared.credentials,
        prices={deployment.name: None for deployment in loaded.config.deployments},
    )
    gateway = build_gateway(context)
    try:
        yield gateway
    finally:
        for transport in gateway.transports:
            await transport.close()
        gateway.journal.close()
        gateway.threads.shutdown()

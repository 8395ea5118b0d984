"""Starting the child process: the command for a supervisor, or a handle for the rest of us."""

import asyncio
import contextlib
import os
import secrets
import sys
from pathlib import Path
from typing import Self

import msgspec

from legato.providers.local.catalogue import known
from legato.providers.local.errors import LocalModelUnavailable, WeightsUnusable
from legato.providers.local.options import (
    LOOPBACK,
    LocalModelSettings,
    ServerFailed,
    ServerOptions,
    ServerReady,
)
from legato.providers.local.weights import stored_path

HEALTH_PATH = "/health"
"""200 when the model answers, 503 while it loads; needs no key."""
START_TIMEOUT_S = 300.0
_HEALTH_POLL_S = 0.1
_HEALTH_ANSWER_TIMEOUT_S = 2.0
_LINE_BYTES_MAX = 64 * 1024


class LaunchCommand(msgspec.Struct, frozen=True, kw_only=True):
    """All a supervisor needs: run `argv`, write `stdin` and close it, read one line of stdout.

    The line is read by `read_ready_line`. The inherited environment is enough; no addition to it
    is needed, and none would be private.
    """

    argv: tuple[str, ...]
    stdin: bytes
    api_key: str


def resolve_weights(settings: LocalModelSettings, data: Path) -> tuple[Path, str | None]:
    """The weights' path and pinned hash. Raises WeightsUnusable, saying how to pull them."""
    if (settings.model is None) == (settings.path is None):
        raise WeightsUnusable("a local model needs either `model` (catalogue) or `path` (GGUF)")
    if settings.path is not None:
        return Path(settings.path), settings.sha256
    entry = known(settings.model or "")
    path = stored_path(entry, data)
    if not path.is_file():
        raise WeightsUnusable(f"{entry.name} is not here yet: run `legato local pull {entry.name}`")
    return path, entry.sha256


def launch_command(
    settings: LocalModelSettings,
    data: Path,
    *,
    port: int = 0,
    port_file: Path | None = None,
    log_file: Path | None = None,
) -> LaunchCommand:
    """The command for the calling process to start; the child ends when that process does.

    A fresh random key is drawn each time and travels on stdin: argv and environment can be read
    by others on the machine. Raises WeightsUnusable.
    """
    weights_path, sha256 = resolve_weights(settings, data)
    api_key = secrets.token_urlsafe(32)
    options = ServerOptions(
        weights_path=str(weights_path),
        alias=settings.model or weights_path.stem,
        settings=settings,
        sha256=sha256,
        port=port,
        port_file=str(port_file) if port_file else None,
        log_file=str(log_file) if log_file else None,
        parent_pid=os.getpid(),
    )
    module = "legato.providers.local.server"
    return LaunchCommand(
        argv=(sys.executable, "-m", module, msgspec.json.encode(options).decode()),
        stdin=f"{api_key}\n".encode(),
        api_key=api_key,
    )


def read_ready_line(line: bytes) -> ServerReady:
    """Read the child's line. Raises LocalModelUnavailable with what the child said."""
    try:
        return msgspec.json.decode(line, type=ServerReady)
    except msgspec.DecodeError:
        pass
    try:
        reason = msgspec.json.decode(line, type=ServerFailed).failure
    except msgspec.DecodeError:
        reason = "it ended before it was ready; its log says more"
    raise LocalModelUnavailable(f"the local model did not start: {reason}")


async def wait_ready(port: int, timeout_s: float) -> None:
    """Return once the server on `port` is healthy. Raises LocalModelUnavailable after the time."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await is_healthy(port):  # noqa: ASYNC110 - another process, no event
                await asyncio.sleep(_HEALTH_POLL_S)
    except TimeoutError:
        raise LocalModelUnavailable(
            f"the local model on port {port} was not ready within {timeout_s:g} s"
        ) from None


async def is_healthy(port: int) -> bool:
    """Ask the health path once; False for any answer but 200, or none within two seconds."""
    request = f"GET {HEALTH_PATH} HTTP/1.1\r\nhost: {LOOPBACK}\r\nconnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(_HEALTH_ANSWER_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(request.encode())
                await writer.drain()
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status_line.split(b" ")[1:2] == [b"200"]


class RunningModel:
    """A started child. An async context manager: leaving it stops the child."""

    def __init__(self, process: asyncio.subprocess.Process, ready: ServerReady, key: str) -> None:
        self.process = process
        self.ready = ready
        self.api_key = key

    @classmethod
    async def start(cls, command: LaunchCommand, timeout_s: float = START_TIMEOUT_S) -> Self:
        """Start the child and wait until it serves. Raises LocalModelUnavailable."""
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES_MAX,
        )
        try:
            async with asyncio.timeout(timeout_s):
                line = await _greet(process, command.stdin)
            return cls(process, read_ready_line(line), command.api_key)
        except TimeoutError:
            await _stop(process, grace_s=0)
            raise LocalModelUnavailable(f"no local model within {timeout_s:g} s") from None
        except BaseException:
            await _stop(process, grace_s=0)
            raise

    @property
    def base_url(self) -> str:
        """The OpenAI-compatible base URL, `/v1` included."""
        return self.ready.base_url

    async def stop(self, grace_s: float = 5.0) -> int:
        """End the child, by force after `grace_s`; returns its status."""
        return await _stop(self.process, grace_s=grace_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()


async def _greet(process: asyncio.subprocess.Process, greeting: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise LocalModelUnavailable("the local model was started without its pipes")
    with contextlib.suppress(ConnectionError):  # a child that died already says so on stdout
        process.stdin.write(greeting)
        await process.stdin.drain()
    process.stdin.close()
    return await process.stdout.readline()


async def _stop(process: asyncio.subprocess.Process, *, grace_s: float) -> int:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                return await process.wait()
        except TimeoutError:
            process.kill()
    return await process.wait()

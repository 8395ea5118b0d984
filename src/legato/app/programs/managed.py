"""Model servers that the supervisor runs: local models and simulated providers.

A server keeps its port and key over restarts, so workers never have to learn a new one.
"""

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from legato.app.config.data_dir import DataDir
from legato.app.config.environment import environment
from legato.app.programs.processes import StopRequested, stoppable
from legato.core.config import Config, Provider
from legato.core.errors import ConfigInvalid, OperatorError

MANAGED_KINDS = frozenset({"local", "simulated"})
START_TIMEOUT_S = 120.0
_LOOPBACK = "127.0.0.1"
Settings = TypeVar("Settings")


@dataclass(frozen=True)
class ServerCommand:
    """How to start one model server."""

    provider: str
    argv: tuple[str, ...]
    stdin: bytes
    base_url: str
    api_key: str | None
    port: int
    log_file: Path


class ServerNotStarted(OperatorError):
    """A model server did not come up."""

    code = "model_server_not_started"


def managed_commands(config: Config, data: DataDir) -> list[ServerCommand]:
    """Return how to start each managed provider that has no base URL of its own.

    Raises:
        ConfigInvalid: a provider's settings are wrong.
        OperatorError: weights are missing.
    """
    return [
        _local(provider, data) if provider.kind == "local" else _simulated(provider, data)
        for provider in config.providers
        if provider.kind in MANAGED_KINDS and provider.base_url is None
    ]


def start(command: ServerCommand) -> int:
    """Start a server, wait until it listens, return its pid.

    Raises:
        ServerNotStarted: it ended, or did not listen within START_TIMEOUT_S.
        StopRequested: a stop signal came first.
    """
    read_fd, write_fd = os.pipe()
    with open(read_fd, "rb", closefd=True) as output:  # noqa: PTH123 - a descriptor, no path
        try:
            pid = _spawn(command, write_fd)
        finally:
            os.close(write_fd)
        try:
            with stoppable():
                ready, _, _ = select.select([output], [], [], START_TIMEOUT_S)
        except StopRequested:
            _kill(pid)
            raise
        line = output.readline() if ready else b""
    if b'"port"' not in line:
        _kill(pid)
        said = line.decode("utf-8", "replace").strip() or f"see {command.log_file}"
        msg = f"The model server of provider {command.provider!r} did not start: {said}"
        raise ServerNotStarted(msg)
    return pid


def restart(command: ServerCommand) -> int:
    """Start a server again on its old port and return its pid; nobody waits for it.

    A model may load for minutes, and the supervisor has others to look after meanwhile.
    """
    with command.log_file.open("ab") as log_file:
        return _spawn(command, log_file.fileno())


@contextlib.contextmanager
def running(command: ServerCommand) -> Iterator[None]:
    """Run a server for a command in the foreground; a stop signal ends that one as ever.

    Raises:
        ServerNotStarted: see `start`.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        pid = start(command)
    except StopRequested:
        raise KeyboardInterrupt from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        yield
    finally:
        _kill(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _spawn(command: ServerCommand, output_fd: int) -> int:
    read_fd, write_fd = os.pipe()
    try:
        with command.log_file.open("ab") as log_file:
            pid = os.posix_spawn(
                command.argv[0],
                command.argv,
                environment(),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, read_fd, 0),
                    (os.POSIX_SPAWN_DUP2, output_fd, 1),
                    (os.POSIX_SPAWN_DUP2, log_file.fileno(), 2),
                ],
                setsigmask=(),
                setsid=True,  # Ctrl-C is the supervisor's to handle
            )
        os.write(write_fd, command.stdin)  # one line: a pipe always has room for it
    finally:
        os.close(read_fd)
        os.close(write_fd)
    return pid


def _local(provider: Provider, data: DataDir) -> ServerCommand:
    from legato.providers.local.launch import launch_command  # noqa: PLC0415 - only who uses it
    from legato.providers.local.options import LocalModelSettings  # noqa: PLC0415

    settings = _settings(provider, LocalModelSettings)
    port = _free_port()
    log_file = data.run / f"{provider.name}.log"
    command = launch_command(settings, data.root, port=port, log_file=log_file)
    return ServerCommand(
        provider=provider.name,
        argv=command.argv,
        stdin=command.stdin,
        base_url=f"http://{_LOOPBACK}:{port}/v1",
        api_key=command.api_key,
        port=port,
        log_file=log_file,
    )


def _simulated(provider: Provider, data: DataDir) -> ServerCommand:
    from legato.providers.simulated.launch import launch_command  # noqa: PLC0415
    from legato.providers.simulated.settings import SimulatedSettings  # noqa: PLC0415

    settings = _settings(provider, SimulatedSettings)
    port = _free_port()
    argv = launch_command(
        settings,
        data.run / f"{provider.name}.port",
        data.root / f"{provider.name}.book.jsonl",
        port=port,
    )
    return ServerCommand(
        provider=provider.name,
        argv=tuple(argv),
        stdin=b"",
        base_url=f"http://{_LOOPBACK}:{port}/v1",
        api_key=None,
        port=port,
        log_file=data.run / f"{provider.name}.log",
    )


def _settings(provider: Provider, kind: type[Settings]) -> Settings:
    try:
        return msgspec.convert(provider.settings, kind)
    except msgspec.ValidationError as error:
        msg = f"providers[{provider.name}].settings: {error}"
        raise ConfigInvalid(msg) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port

"""The child process: llama.cpp's own OpenAI-compatible server behind a parent's watch.

`python -m legato.providers.local.server OPTIONS_JSON`, with one line on stdin: the API key.
Native code runs here and nowhere else, so that its crash costs a model and not a gateway.
It ends on SIGTERM and when its parent has died. Nothing is flushed at the end: there is no state.
"""

import ctypes
import http.client
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn

import msgspec

from legato.providers.local.errors import LocalModelUnavailable, WeightsUnusable
from legato.providers.local.options import LOOPBACK, ServerFailed, ServerOptions, ServerReady
from legato.providers.local.weights import inspect

_PR_SET_PDEATHSIG = 1
_PARENT_POLL_S = 1.0
_LOG_BYTES_MAX = 4 * 1024 * 1024
_KEY_CHARS_MIN = 16
_PROPS_TIMEOUT_S = 30.0
# llama.cpp's level 1 is errors. From level 2 on it logs each refused request with the words of
# the caller in it ("got exception: ..."), which no log of ours may hold.
_LOG_ERRORS_ONLY = 1


def main() -> None:
    """Serve until told to stop; the process's entry point."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    options = msgspec.json.decode(sys.argv[1], type=ServerOptions)
    api_key = sys.stdin.readline().strip()
    _redirect_output(options.log_file)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too: the parent decides
    os.nice(options.settings.niceness)
    try:
        server, ready = _start(options, api_key)
    except (WeightsUnusable, LocalModelUnavailable) as error:
        _say(answer, ServerFailed(failure=error.message))
        raise SystemExit(1) from None
    # While weights load, the native code holds the interpreter, so no handler of ours could run
    # and SIGTERM keeps its default: it ends the process at once. From here on we tidy up.
    watch = _Watch(options.parent_pid)
    port_file = Path(options.port_file) if options.port_file else None
    if port_file:
        _write_port_file(port_file, ready)
    _say(answer, ready)
    watch.wait()
    _end(port_file, server)


def _start(options: ServerOptions, api_key: str) -> tuple[object, ServerReady]:
    if len(api_key) < _KEY_CHARS_MIN:
        raise LocalModelUnavailable("no API key came on stdin: the server won't start open")
    weights = Path(options.weights_path)
    if options.sha256:
        inspect(weights, sha256=options.sha256)
    elif not weights.is_file():
        raise WeightsUnusable(f"{weights} is not a file")
    try:
        import xllamacpp  # noqa: PLC0415 - 100 MB of native code, and an optional extra
    except ImportError as error:
        raise LocalModelUnavailable("xllamacpp is missing: install legato[local]") from error
    try:
        server = xllamacpp.Server(_parameters(xllamacpp.CommonParams(), options, api_key))
    except RuntimeError as error:
        # Its message is always "check the input params"; the reason is in the log.
        raise LocalModelUnavailable(
            f"llama.cpp could not serve {weights} (not a GGUF it knows, too little memory for "
            "this context, or the port is taken): the model server's log says which"
        ) from error
    port = int(server.listening_address.rsplit(":", 1)[1])
    return server, _describe(port, options, api_key)


def _parameters(parameters: Any, options: ServerOptions, api_key: str) -> Any:
    settings = options.settings
    parameters.model.path = options.weights_path
    # Without an alias each answer's `model` would be the weights' path on this machine.
    parameters.model_alias = {options.alias}
    parameters.hostnames = [LOOPBACK]
    parameters.port = options.port
    parameters.api_keys = [api_key]
    parameters.n_ctx = settings.context_tokens * settings.slots
    parameters.n_parallel = settings.slots
    parameters.fit_params = False  # take the context asked for or fail, don't shrink it silently
    # Threads meet after every layer, so one that has lost its CPU to the gateway holds up all:
    # on two cores with a neighbour, two threads fell from 90 to 12 tokens/s, one from 48 to 30.
    # Both numbers alike: with two slots at work each step is a "batch" to llama.cpp.
    threads = settings.threads or max(1, len(os.sched_getaffinity(0)) - 1)
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.n_batch = settings.batch_tokens
    parameters.n_ubatch = settings.batch_tokens
    parameters.n_threads_http = settings.connections_max
    parameters.cache_prompt = settings.prompt_cache
    parameters.cache_ram_mib = 0  # otherwise old prompts fill up to 8 GiB beside the slots
    if settings.seed is not None:
        parameters.sampling.seed = settings.seed
    parameters.ui = False
    parameters.endpoint_slots = False  # it would show the prompts in progress
    parameters.endpoint_metrics = True
    # Browsers are no clients of this server: the default would let any page try.
    parameters.cors_origins = f"http://{LOOPBACK}"
    parameters.offline = True
    parameters.verbosity = _LOG_ERRORS_ONLY
    return parameters


def _describe(port: int, options: ServerOptions, api_key: str) -> ServerReady:
    """Ask the server itself what the loaded model can do."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PROPS_TIMEOUT_S)
    try:
        connection.request("GET", "/props", headers={"authorization": f"Bearer {api_key}"})
        props = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return ServerReady(
        pid=os.getpid(),
        port=port,
        model=options.alias,
        context_tokens=props["default_generation_settings"]["n_ctx"],
        slots=props["total_slots"],
        tools=props["chat_template_caps"]["supports_tools"],
        vision=props["modalities"]["vision"],
    )


def _redirect_output(log_file: str | None) -> None:
    """Send native output to the log file, or stderr; stdout stays clean for our one line."""
    if log_file:
        path = Path(log_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
            path.replace(path.with_name(path.name + ".1"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 2)
        os.close(descriptor)
    os.dup2(2, 1)


def _write_port_file(path: Path, ready: ServerReady) -> None:
    partial = path.with_name(f"{path.name}.{ready.pid}")
    partial.write_bytes(msgspec.json.encode(ready) + b"\n")
    partial.replace(path)


def _say(answer: IO[str], line: ServerReady | ServerFailed) -> None:
    answer.write(msgspec.json.encode(line).decode() + "\n")
    answer.flush()


class _Watch:
    """Waits for SIGTERM or the parent's death.

    Linux tells of the parent's death at once, but means the *thread* that started us, so that
    signal only wakes the look at who our parent is. The poll covers a death before the request
    took effect, and other systems.
    """

    def __init__(self, parent_pid: int) -> None:
        self._parent_pid = parent_pid
        self._told_to_stop = False
        self._wake = threading.Event()
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGUSR1, self._on_signal)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._told_to_stop |= number == signal.SIGTERM
        self._wake.set()

    def wait(self) -> None:
        while not self._told_to_stop and os.getppid() == self._parent_pid:
            self._wake.wait(_PARENT_POLL_S)
            self._wake.clear()


def _end(port_file: Path | None, _server: object) -> NoReturn:
    """Leave without the native destructors: they would wait for answers nobody will read."""
    if port_file:
        port_file.unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    main()

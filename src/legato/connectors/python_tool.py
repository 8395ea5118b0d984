"""Tools that are Python functions: their schema from type hints, each call bounded.

In a process of its own (the default) a call is ended at its time and its memory is limited. In a
thread neither can be done, so there are only so many threads, and a call that finds none is
refused once its time is over. A transactional function is never called here: the step that
records its result calls it, within its transaction.
"""

import asyncio
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, get_type_hints

import msgspec

from legato.connectors.tool import ToolContext, ToolSpec, failed
from legato.core.config_tools import PythonTool, Tool
from legato.core.errors import ConfigInvalid, InvalidRequest

CONNECTION: Final = "connection"
KEY: Final = "idempotency_key"
_GIVEN: Final = frozenset({CONNECTION, KEY})
"""Arguments that Legato gives, not the model."""
_TOLD_MAX: Final = 500


class Function:
    """A function of a package, and what it takes."""

    def __init__(self, path: str) -> None:
        """Raises ConfigInvalid: it isn't there, or a hint of it says nothing of JSON."""
        self.path = path
        self._function = _imported(path)
        self.description = inspect.getdoc(self._function) or ""
        try:
            hints = get_type_hints(self._function, include_extras=True)
            taken = inspect.signature(self._function).parameters
            self.given = frozenset(taken) & _GIVEN
            self._arguments = msgspec.defstruct(
                "Arguments",
                [_field(one, hints.get(name, Any)) for name, one in taken.items()
                 if name not in _GIVEN],
                forbid_unknown_fields=True,
                kw_only=True,
            )  # fmt: skip
            self.parameters = _schema(self._arguments)
            returned = hints.get("return", Any)
            self.returns = None if returned in (Any, None) else _schema(returned)
        except (TypeError, ValueError, NameError) as error:
            raise ConfigInvalid(f"{path}: its type hints make no JSON schema: {error}") from None

    @property
    def is_async(self) -> bool:
        """Whether it has to be awaited."""
        return inspect.iscoroutinefunction(self._function)

    def __call__(self, arguments: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        """Call it and return JSON, or what is to be awaited for it.

        Raises:
            InvalidRequest: the arguments aren't what its hints say.
        """
        try:
            read = msgspec.convert(dict(arguments), self._arguments)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"arguments: {error}", param="arguments") from None
        named = {name: getattr(read, name) for name in read.__struct_fields__}
        wanted = {name: value for name, value in given.items() if name in self.given}
        found = self._function(**named, **wanted)
        return _awaited(found) if inspect.isawaitable(found) else msgspec.to_builtins(found)


class PythonSource:
    """A `Source` of one function."""

    def __init__(self, tool: Tool, python: PythonTool, environment: Mapping[str, str]) -> None:
        """Raises ConfigInvalid."""
        self._tool = tool
        self._python = python
        self._environment = environment
        self.function = Function(python.function)
        if python.transactional and CONNECTION not in self.function.given:
            msg = f"{python.function}: a transactional tool takes an argument `{CONNECTION}`"
            raise ConfigInvalid(msg)
        self._threads: ThreadPoolExecutor | None = None

    async def specs(self) -> list[ToolSpec]:
        """Return it."""
        function = self.function
        return [
            ToolSpec(
                name=self._tool.name,
                kind="python",
                description=function.description,
                parameters=function.parameters,
                returns=function.returns,
                transactional=self._python.transactional,
            )
        ]

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call it. Raises ToolFailed, InvalidRequest."""
        if self._python.transactional:
            raise InvalidRequest(f"{name} writes with a workflow's step, and can't be called alone")
        given = {KEY: context.key}
        if self._python.run_in == "process":
            return await self._in_process(arguments, given)
        timeout_s = self._tool.timeout_s
        try:
            return await asyncio.wait_for(self._in_thread(arguments, given), timeout_s)
        except TimeoutError:
            raise failed(f"{name} took longer than {timeout_s:g} s", passing=True) from None
        except InvalidRequest:
            raise
        except Exception as error:  # whatever a stranger's function raises is its own failure
            raise failed(_told(error)) from error

    async def close(self) -> None:
        """End the threads that are free."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _in_thread(self, arguments: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        if self.function.is_async:
            return await self.function(arguments, given)
        if self._threads is None:
            name = f"tool-{self._tool.name}"
            self._threads = ThreadPoolExecutor(self._tool.at_once, thread_name_prefix=name)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.function, arguments, given)

    async def _in_process(self, arguments: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        said = msgspec.json.encode({"arguments": arguments, "given": given})
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "legato.connectors.python_process",
            self._python.function,
            str(self._python.memory_mib_max),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=dict(self._environment),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._tool.timeout_s):
                out, _ = await process.communicate(said)
        except TimeoutError:
            told = f"{self._tool.name} took longer than {self._tool.timeout_s:g} s"
            raise failed(told, passing=True) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise failed(f"{self._tool.name} ended by itself ({process.returncode})")
        if len(out) > self._tool.answer_bytes_max:
            raise failed(f"the answer is larger than {self._tool.answer_bytes_max} bytes")
        answer = msgspec.json.decode(out)
        if "invalid" in answer:
            raise InvalidRequest(answer["invalid"], param="arguments")
        if "failed" in answer:
            raise failed(answer["failed"])
        return answer["value"]


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_TOLD_MAX]


async def _awaited(found: Awaitable[Any]) -> Any:
    return msgspec.to_builtins(await found)


def _imported(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigInvalid(f"{path}: {error}") from None
    if not callable(found):
        raise ConfigInvalid(f"{path} can't be called")
    function: Callable[..., Any] = found
    return function


def _field(taken: inspect.Parameter, hint: Any) -> Any:
    if taken.kind in (taken.VAR_KEYWORD, taken.VAR_POSITIONAL, taken.POSITIONAL_ONLY):
        msg = f"{taken.name}: arguments have names"
        raise TypeError(msg)
    if taken.default is taken.empty:
        return taken.name, hint
    return taken.name, hint, taken.default


def _schema(kind: Any) -> dict[str, Any]:
    """Return a schema whose outermost part is no reference: models understand that better."""
    found = msgspec.json.schema(kind)
    name = found.get("$ref", "").rpartition("/")[2]
    if not name:
        return found
    parts = dict(found["$defs"])
    inner = {field: value for field, value in parts.pop(name).items() if field != "title"}
    return {**inner, "$defs": parts} if parts else inner

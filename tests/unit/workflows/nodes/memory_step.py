"""A step in memory, after the docstrings of `Step`; and models that say what a test wants."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.expressions import FAILURES, context_of, program_of
from legato.core.money import NanoUSD
from legato.workflows.nodes.contract import Child, ChildOutcome, News, RunFacts, Waiting
from legato.workflows.nodes.models import Asking, Call, Reply

_WHOLE = re.compile(r"\$\{([^}]*)\}")
FACTS = RunFacts(
    id="run-1",
    org="acme",
    team="support",
    feature="triage",
    workflow="triage",
    digest="d",
    key_id="key-1",
    user="ann",
)


class Left(Exception):
    """The node was left: it waits."""

    def __init__(self, name: str, waiting: Waiting) -> None:
        super().__init__(name)
        self.name = name
        self.waiting = waiting


class MemoryStep:
    """A node at work; `recorded` outlives it, as the database would."""

    def __init__(
        self,
        seen: Mapping[str, Any] | None = None,
        *,
        recorded: dict[str, Any] | None = None,
        run: RunFacts = FACTS,
        path: str = "node",
    ) -> None:
        self._seen = {"input": {}, "steps": {}, "run": {"id": run.id}, "vars": {}, **(seen or {})}
        self.recorded: dict[str, Any] = {} if recorded is None else recorded
        self.run = run
        self.path = path
        self.news: dict[str, News] = {}
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.charged: dict[str, int] = {}
        self.done: list[str] = []
        self.connection: list[Any] = []

    @property
    def idempotency_key(self) -> str:
        return f"{self.run.id}/{self.path}"

    async def value(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        return self.value_at_once(template, extra)

    def value_at_once(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        if isinstance(template, dict):
            return {name: self.value_at_once(one, extra) for name, one in template.items()}
        if isinstance(template, list | tuple):
            return [self.value_at_once(one, extra) for one in template]
        if not isinstance(template, str):
            return template
        whole = _WHOLE.fullmatch(template)
        if whole:
            return self._evaluated(whole[1], extra)

        def put_in(found: re.Match[str]) -> str:
            value = self._evaluated(found[1], extra)
            return value if isinstance(value, str) else msgspec.json.encode(value).decode()

        return _WHOLE.sub(put_in, template)

    async def holds(self, condition: str, extra: Mapping[str, Any] | None = None) -> bool:
        found = self._evaluated(condition, extra)
        if not isinstance(found, bool):
            raise InvalidRequest(f"{condition}: no bool")
        return found

    async def do(self, name: str, work: Callable[[str], Awaitable[Any]]) -> Any:
        if name not in self.recorded:
            found = await work(f"{self.idempotency_key}/{name}")
            self.recorded[name] = msgspec.json.encode(found)
            self.done.append(name)
        return msgspec.json.decode(self.recorded[name])

    async def transact(self, name: str, work: Callable[[Any, str], Any]) -> Any:
        async def within(key: str) -> Any:
            return work(self.connection, key)

        return await self.do(name, within)

    async def wait(self, name: str, waiting: Waiting) -> News:
        if name not in self.news:
            raise Left(name, waiting)
        return self.news[name]

    @staticmethod
    def news_of(message: Any) -> News:
        """Return news that came as a message."""
        return News(due=False, message=message)

    async def child(self, name: str, child: Child) -> ChildOutcome:
        raise NotImplementedError(name, child)

    async def children(
        self, named: Mapping[str, Child], at_once: int, *, stop_at_error: bool = False
    ) -> Mapping[str, ChildOutcome]:
        raise NotImplementedError(named, at_once, stop_at_error)

    async def now_ns(self, name: str) -> int:
        async def one(_key: str) -> int:
            return 1_700_000_000_000_000_000

        found: int = await self.do(f"now:{name}", one)
        return found

    async def charge(self, name: str, cost: NanoUSD) -> None:
        self.charged[name] = cost

    async def tell(self, event: str, data: Mapping[str, Any]) -> None:
        self.told.append((event, data))

    def _evaluated(self, expression: str, extra: Mapping[str, Any] | None) -> Any:
        try:
            return program_of(expression).execute(context_of({**self._seen, **(extra or {})}))
        except FAILURES as error:
            raise InvalidRequest(f"{expression}: {error}") from None


class ScriptedModels:
    """Says one thing after the other, and keeps what it was asked."""

    def __init__(self, *said: Reply | Exception | str) -> None:
        self._said = list(said)
        self.asked: list[Mapping[str, Any]] = []
        self.keys: list[str] = []

    async def ask(self, asking: Asking, body: Mapping[str, Any], key: str) -> Reply:
        assert asking.run.key_id == FACTS.key_id
        self.asked.append(body)
        self.keys.append(key)
        said = self._said.pop(0)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, str):
            return Reply(text=said, request_id=f"r{len(self.asked)}", cost=1_000)
        return said


def calling(name: str, arguments: Any, call_id: str = "c1") -> Reply:
    """Return an answer that calls a tool."""
    written = msgspec.json.encode(arguments).decode()
    return Reply(calls=(Call(call_id, name, written),), request_id="r", cost=1_000)

"""Calls of models for nodes: over the gateway's own socket, for the key of the run.

So keys, limits, budgets, guardrails, ledger and traces hold for them as for any other call; they
carry the run, the node and the workflow as tags.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from legato.core import errors
from legato.core.errors import BudgetExceeded, LegatoError, ProviderRejected, RateLimited
from legato.loopback.exchange import OK, WAIT_S, Answered, bearer, exchange, wait_s
from legato.workflows.nodes.contract import RunFacts
from legato.workflows.nodes.paid import Paid

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

CHAT: Final = "/v1/chat/completions"
_TRIES: Final = 3
_WAITED_MAX_S: Final = 60.0
"""For limits, within one step; a longer wait is the node's retry policy's."""


class Call(msgspec.Struct, frozen=True):
    """A call of a tool that a model asks for. `arguments` is as the model wrote it."""

    id: str
    name: str
    arguments: str


class Token(msgspec.Struct, frozen=True):
    """A token of an answer, with what might have stood there instead, by its log probability."""

    text: str
    instead: dict[str, float] = {}


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model said, as a step records it. `cost` is in nano-USD, None where unpriced."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""
    model: str = ""
    request_id: str = ""
    cost: int | None = None
    versions: str = ""
    guardrails: str = ""
    output_checks: str = ""
    tokens: tuple[Token, ...] = ()


_MADE_BY: Final = ("model", "versions", "guardrails", "output_checks")


def lineage_of(replies: Sequence[Reply]) -> dict[str, Any]:
    """Return what made an output, for those who ask: of all calls that went into it."""
    made: dict[str, Any] = {"asked": [one.request_id for one in replies]}
    for name in _MADE_BY:
        if said := dict.fromkeys(filter(None, (getattr(one, name) for one in replies))):
            made[name] = "; ".join(said)
    return made


class Models(Protocol):
    """Asks models."""

    async def ask(self, asking: "Asking", body: Mapping[str, Any], key: str) -> Reply:
        """Return the answer to a body of OpenAI's dialect. Raises LegatoError, as it was refused.

        `key` is the idempotency key.
        """
        ...


class Asking(msgspec.Struct, frozen=True):
    """For which run and node a model is asked."""

    run: RunFacts
    node: str

    @property
    def tags(self) -> dict[str, str]:
        """What the ledger has beside the key's own tags."""
        run = self.run
        root = run.root or run.id
        child = {} if root == run.id else {"child": run.id}
        tags = {"run": root, **child, "node": self.node, "workflow": run.workflow}
        return tags if run.rehearsal is None else tags | {"evaluation": run.rehearsal.evaluation}


class GatewayModels:
    """Asks the gateway. One session for each event loop, given by `session`."""

    def __init__(
        self,
        base_url: str,
        credential: Callable[[str, Mapping[str, str]], str],
        session: "Callable[[], aiohttp.ClientSession]",
        paid: Paid | None = None,
    ) -> None:
        self._base_url = base_url
        self._credential = credential
        self._session = session
        self._paid = paid or Paid()

    async def ask(self, asking: Asking, body: Mapping[str, Any], key: str) -> Reply:
        """Return the answer. Raises LegatoError.

        A limit of the key, or a gateway that starts again, is waited for, for a minute; what may
        pass otherwise is tried a few times. What says that it won't pass within that minute, as a
        budget that is used up, is told at once.
        """
        headers = self._headers(asking, key)
        failures, waited_s = 0, 0.0
        while True:
            failure = await self._failure_or_answer(body, headers)
            if isinstance(failure, Answered) and failure.status == OK:
                run = asking.run
                self._paid.add(run.org, run.root or run.id, failure.cost)
                return reply_of(failure)
            error = (
                failure_of(failure)
                if isinstance(failure, Answered)
                else errors.ProviderUnavailable("the gateway doesn't answer")
            )
            limited = isinstance(error, RateLimited)
            failures += not limited
            found = failure.headers if isinstance(failure, Answered) else {}
            pause_s = wait_s(found, failures, first_s=WAIT_S)
            waited_s += pause_s
            later = max(waited_s, error.retry_after_s or 0.0) > _WAITED_MAX_S
            if not error.retryable or failures >= _TRIES or later:
                raise error
            await asyncio.sleep(pause_s)

    def _headers(self, asking: Asking, key: str) -> dict[str, str]:
        headers = bearer(self._credential(asking.run.key_id, asking.tags))
        headers["idempotency-key"] = key
        if asking.run.rehearsal is not None and asking.run.rehearsal.fresh:
            headers["cache-control"] = "no-store"
        if asking.run.user:
            headers["x-legato-user"] = asking.run.user
        return headers

    async def _failure_or_answer(
        self, body: Mapping[str, Any], headers: dict[str, str]
    ) -> Answered | None:
        from aiohttp import ClientError  # noqa: PLC0415 - 0.1 s that only those who call pay

        sent, route = dict(body), body.get(ROUTE)
        if route is not None:
            del sent[ROUTE]
            headers = {**headers, "x-legato-route": str(route)}
        try:
            return await exchange(self._session(), self._base_url + CHAT, sent, headers)
        except ClientError as error:
            log.info("the gateway didn't answer a run", extra={"reason": type(error).__name__})
            return None


ROUTE: Final = "legato_route"
"""In a body: the route of a prompt, which goes out as a header."""


def reply_of(answered: Answered) -> Reply:
    """Return what a chat completion says. Raises BadProviderResponse."""
    try:
        choice = answered.body["choices"][0]
        message = choice["message"]
        calls = tuple(
            Call(str(one["id"]), str(one["function"]["name"]), one["function"]["arguments"] or "{}")
            for one in message.get("tool_calls") or ()
        )
        text = message.get("content")
        return Reply(
            text=text if isinstance(text, str) else "",
            calls=calls,
            finish=choice.get("finish_reason") or "",
            model=str(answered.body.get("model") or ""),
            request_id=answered.request_id,
            cost=answered.cost,
            versions=answered.headers.get("x-legato-versions", ""),
            guardrails=answered.headers.get("x-legato-guardrails", ""),
            output_checks=answered.headers.get("x-legato-output", ""),
            tokens=_tokens(choice),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        msg = f"the answer to request {answered.request_id} is no chat completion"
        raise errors.BadProviderResponse(msg) from None


def failure_of(answered: Answered) -> LegatoError:
    """Return the error that an answer stands for, with what it says of trying again.

    A budget that is used up may pass, since its window ends or somebody raises it.
    """
    kind = _by_code().get(answered.error, ProviderRejected)
    after = answered.headers.get("retry-after", "")
    told = answered.told or f"the gateway answered {answered.status}"
    error = kind(told, retry_after_s=float(after) if after.isdigit() else None)
    error.retryable = answered.may_pass or kind is BudgetExceeded
    error.http_status = answered.status
    return error


def _by_code() -> dict[str, type[LegatoError]]:
    found: dict[str, type[LegatoError]] = {}
    level = [LegatoError]
    while level:
        below = [each for one in level for each in one.__subclasses__()]
        for one in below:
            if one.code != LegatoError.code and one.__module__ == errors.__name__:
                found.setdefault(one.code, one)
        level = below
    return found


def _tokens(choice: Mapping[str, Any]) -> tuple[Token, ...]:
    """Return an answer's tokens where the provider tells their probabilities."""
    told = choice.get("logprobs")
    content = told.get("content") if isinstance(told, dict) else None
    if not isinstance(content, list):
        return ()
    return tuple(
        Token(
            str(one["token"]),
            {str(each["token"]): float(each["logprob"]) for each in one.get("top_logprobs") or ()},
        )
        for one in content
    )

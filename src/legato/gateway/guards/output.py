"""Checks answers as policies ask, and asks again where they say so.

An answer is checked before its attempt is ended in the books: one that is refused was paid for, and
stands there as an attempt that gave no answer. Asking again is another attempt, with a hold, an
intent and a price of its own.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from legato.core.capability import JSON_SCHEMA
from legato.core.chat import ChatRequest, OutputFormat
from legato.core.decisions import FROM_CACHE
from legato.core.errors import LegatoError, OutputInvalid, ProviderTimeout
from legato.core.guard_output import BEFORE_SENDING
from legato.core.guarding import (
    ARGUMENTS,
    BREAK,
    CALLED,
    NAME,
    REPEATED,
    SEALED,
    TEXT,
    Channel,
    TextFilter,
)
from legato.core.wire import PromptSurface
from legato.gateway.deadline import Deadlines
from legato.gateway.guards.asked_of import asked_of, schema_of
from legato.gateway.guards.checked import CHECKED, Asking
from legato.gateway.guards.reviewing import Gathering, Reviewer
from legato.guardrails.outputs.arguments import ArgumentsFilter
from legato.guardrails.outputs.plan import OutputPlan, OutputRun
from legato.guardrails.outputs.schemas import Schemas

if TYPE_CHECKING:
    from legato.core.guard_output import OutputFacts
    from legato.gateway.context import Call, Reply, Sink
    from legato.gateway.directory import Deployment
    from legato.gateway.guards.looking import Looker
    from legato.gateway.guards.sampling import Sampler

PlansFor = Callable[["Call"], Sequence[OutputPlan]]
"""Returns the plans of the policies that a call comes under."""
_SCHEMA_NAME: Final = "answer"
_NS_PER_MS: Final = 1e6


class AnswerChecks:
    """The checks of one call's answer, over all attempts to get one."""

    def __init__(
        self,
        call: "Call",
        plans: Sequence[OutputPlan],
        schemas: Schemas,
        *,
        reviewer: "Reviewer | None" = None,
        looker: "Looker | None" = None,
    ) -> None:
        """What they depend on is taken from the request as it stands now."""
        self._looker = looker
        self._reviewer = reviewer
        self._texts: dict[str, list[str]] = {}
        self.run = OutputRun(plans, asked_of(call), schemas, _now_ms)
        self.fingerprint = "\x00".join(one.name for one in plans).encode()
        """Of the policies: answers that others were given under other ones don't serve."""
        self._call = call
        self._stream = call.view.stream

    def filter_for(self, channel: Channel) -> TextFilter | None:
        """Return what a text of an answer passes; see legato.gateway.guards.answers."""
        if channel.name in {REPEATED, CALLED}:
            return None
        run, place = self.run, channel.place
        where = f"{channel.name}/{channel.choice}/{channel.number}"
        if channel.name == ARGUMENTS:
            watched = run.filters(where, place, answer=False, stream=self._stream)
            if not watched or (self._stream and run.passes_on):
                return _chained(watched)
            run.found.open -= len(watched)  # these were only to see whether there are any
            return ArgumentsFilter(
                lambda: run.filters(where, place, answer=False, stream=self._stream)
            )
        sealed = channel.name in {SEALED, NAME}
        answer = channel.name == TEXT
        filters = run.filters(where, place, answer=answer, stream=self._stream, sealed=sealed)
        if answer and run.is_reviewed:
            filters.append(Gathering(self._texts, where))
        return _chained(filters)

    @property
    def is_reviewed(self) -> bool:
        """Whether something has to be asked elsewhere about the whole answer."""
        return self.run.is_reviewed and self._reviewer is not None

    async def review(self) -> None:
        """Ask it. Raises OutputBlocked, DetectorFailed."""
        texts = [
            (where, text)
            for where, some in self._texts.items()
            if (text := "".join(some).replace(BREAK, "\n"))
        ]
        self._texts.clear()
        if self._reviewer is not None:
            sent = self._stream and self.run.passes_on
            await self._reviewer(self._call, self.run, texts, sent=sent)

    @property
    def wants_json(self) -> bool:
        """Whether the answer must be JSON: what is put back stands within one of its strings."""
        return self.run.wants_json

    @property
    def asks_elsewhere(self) -> bool:
        """Whether detectors have to be asked about all of an answer before any of it goes out."""
        return bool(self.run.elsewhere)

    async def look(self, gather: Callable[[], object]) -> None:
        """Ask them about the texts that `gather` lets pass. Raises DetectorFailed."""
        with self.run.gathering():
            gather()
        if self._looker is not None:
            await self._looker(self.run)

    def was_kept(self) -> None:
        """Note that the answer comes of a cache: these policies looked at it before."""
        self.run.looked.was_before = True

    @property
    def holds_whole(self) -> bool:
        """Whether nothing of a stream may go out before all of it is checked."""
        return self.run.holds_whole

    def begin(self) -> None:
        """Begin with another answer."""
        self.run.begin()
        self._texts.clear()

    @property
    def withholds(self) -> bool:
        """Whether nothing may go out that can't be looked at."""
        return self.run.withholds and not (self._stream and self.run.passes_on)

    def answered(self) -> None:
        """Note that all of an answer has come, and passed."""
        self.run.complete = True

    @property
    def facts(self) -> "OutputFacts":
        """What is recorded."""
        cached = self._call.cache in FROM_CACHE
        if cached:  # it passed the same filters
            self.run.complete = True
        return self.run.facts(stream=self._stream and not cached)

    @property
    def header(self) -> bytes:
        """What the caller is told when the answer begins: of a stream, only what is known then."""
        facts = self.facts
        if self._stream and self.run.passes_on and self._call.cache not in FROM_CACHE:
            return b"not checked before sending"
        fired = dict.fromkeys(one.check for one in facts.fired)
        told = ["flagged" if fired else "checked", *fired]
        if facts.reasks:
            told.append(f"reasks={facts.reasks}")
        return "; ".join(told).encode("ascii", "replace")

    @property
    def is_clean(self) -> bool:
        """Whether all was checked and nothing found: only such answers are kept for others."""
        facts = self.facts
        return facts.scanned == BEFORE_SENDING and not facts.fired


class _Chain:
    """Several filters as one."""

    def __init__(self, filters: Sequence[TextFilter]) -> None:
        self._filters = filters

    def feed(self, text: str) -> str:
        """Pass it through all of them."""
        for one in self._filters:
            text = one.feed(text)
        return text

    def end(self) -> str:
        """End each with what the one before it held."""
        rest = ""
        for one in self._filters:
            rest = one.feed(rest) + one.end()
        return rest


def _chained(filters: Sequence[TextFilter]) -> TextFilter | None:
    return _Chain(filters) if len(filters) > 1 else next(iter(filters), None)


class OutputGuard:
    """Checks answers by the policies. Implements the Protocol `AnswerGuard`."""

    def __init__(
        self,
        plans_for: PlansFor,
        idle: Callable[[], bool] = lambda: False,
        *,
        reviewer: "Reviewer | None" = None,
        looker: "Looker | None" = None,
        sampler: "Sampler | None" = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        """`idle` tells that there is no policy at all."""
        self._reviewer, self._looker, self._sampler = reviewer, looker, sampler
        self._plans_for = plans_for
        self._idle = idle
        self._schemas = Schemas()
        self._deadlines = deadlines or Deadlines()

    def passes(self, _call: "Call") -> bool:
        """Whether there is no policy at all."""
        return self._idle()

    def prepare(self, call: "Call") -> None:
        """Find out what is asked of a call's answer; before caches are looked up."""
        if call.surface.operation not in CHECKED:
            return
        plans = self._plans_for(call)
        if plans:
            _constrain(call, plans)
            checks = call.outputs = AnswerChecks(
                call, plans, self._schemas, reviewer=self._reviewer, looker=self._looker
            )
            call.answer_filters = (checks.filter_for, *call.answer_filters)
            if self._sampler is not None:
                checks.run.found.samples = True
                checks.run.found.keeps_text = call.captured_for_ns > 0

    async def answered(self, call: "Call", sink: "Sink", ask: Asking) -> "Reply":
        """Return an answer that may go out, asking again where that is allowed.

        Raises:
            OutputInvalid: none was valid. OutputBlocked: one must not go out.
            LegatoError: as `ask`.
        """
        checks = call.outputs
        if not isinstance(checks, AnswerChecks):
            return await ask(call, sink)
        try:
            reply = await self._asked(call, sink, ask, checks)
        except LegatoError:
            self._sample(call, checks, passed=False)
            raise
        self._sample(call, checks, passed=True)
        return reply

    def _sample(self, call: "Call", checks: AnswerChecks, *, passed: bool) -> None:
        if self._sampler is not None:
            self._sampler.take_answer(call, checks.run.found, passed=passed)

    async def _asked(
        self, call: "Call", sink: "Sink", ask: Asking, checks: AnswerChecks
    ) -> "Reply":
        if not checks.run.reasks_max or call.route is None:
            return await ask(call, sink)
        deadline = self._deadlines.start(call.route.deadline_s)
        body, candidates = call.body, call.candidates
        try:
            while True:
                checks.begin()
                try:
                    return await ask(call, sink)
                except OutputInvalid as refused:
                    told = refused.told or refused.message
                    refused.message = told
                    if sink.began or checks.run.reasks >= checks.run.reasks_max:
                        raise
                    checks.run.reasks += 1
                    call.body = asked_again(call, body, told)
                    call.candidates = _again_at(candidates, checks.run.reask_at)
        except asyncio.CancelledError:
            if not deadline.expired():
                raise
            msg = f"No valid answer within {call.route.deadline_s:g} s over all attempts."
            raise ProviderTimeout(msg) from None
        finally:
            deadline.cancel()
            call.body = body  # what is kept, copied and compared is what the caller asked


def _constrain(call: "Call", plans: Sequence[OutputPlan]) -> None:
    """Put a policy's schema to the model, where nothing speaks against it."""
    settings = [one.checks.json for one in plans if one.enforced and one.checks.json is not None]
    schema = next((one.schema for one in settings if one.constrain and one.schema), None)
    surface, route = call.surface, call.route
    if (
        schema is None
        or route is None
        or not isinstance(surface, PromptSurface)
        or call.body.get("tools")
        or schema_of(call.body) is not None
        or any(one.ability.lacks & JSON_SCHEMA for one in route.deployments)
    ):
        return
    form = ChatRequest(messages=(), output_format=OutputFormat(schema, _SCHEMA_NAME))
    call.body = surface.with_prompt(call.body, form, drop_unsupported=route.drop_unsupported)
    call.view = replace(call.view, needs=call.view.needs | JSON_SCHEMA)


def asked_again(call: "Call", body: dict[str, Any], told: str) -> dict[str, Any]:
    """Return a request that says what was wrong with the last answer. It doesn't quote it."""
    text = f"An earlier answer was refused. {told} Answer again, so that it is valid."
    again = dict(body)
    messages, given = body.get("messages"), body.get("input")
    prompt = body.get("prompt")
    if isinstance(messages, list):
        again["messages"] = [*messages, {"role": "user", "content": text}]
    elif isinstance(given, str):
        again["input"] = [
            {"type": "message", "role": "user", "content": given},
            {"type": "message", "role": "user", "content": text},
        ]
    elif isinstance(given, list):
        again["input"] = [*given, {"type": "message", "role": "user", "content": text}]
    elif isinstance(prompt, str):
        again["prompt"] = f"{prompt}\n\n{text}\n\n"
    call.body_bytes += len(text)
    return again


def _again_at(candidates: "Sequence[Deployment]", name: str | None) -> "Sequence[Deployment]":
    """Put the deployment that is to be asked again first, where it can serve the call."""
    first = [one for one in candidates if one.name == name]
    return [*first, *(one for one in candidates if one.name != name)]


def _now_ms() -> float:
    return perf_counter_ns() / _NS_PER_MS

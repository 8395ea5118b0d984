"""Captured requests as the semantic cache would have met them: looked up again, or kept now."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.cache.exact import CachedAnswer
from legato.cache.semantic.entry import Entry
from legato.core.captured import CapturedContent, CapturedHead
from legato.core.clock import Clock
from legato.core.decisions import HIT
from legato.core.errors import InvalidRequest
from legato.core.principal import Principal
from legato.core.registry import Kind
from legato.core.usage import Usage
from legato.evaluation.cache_what_if import Logged
from legato.gateway.background import Nowhere
from legato.gateway.context import Call, Reply
from legato.gateway.directory import Route
from legato.gateway.looked import Asked
from legato.gateway.prompts import names_user
from legato.gateway.semantic.answers import text_to_keep
from legato.gateway.semantic.asked import NotEligible, asked_of, scope_of
from legato.gateway.stages.read import read_json
from legato.insights.captures import Capture

if TYPE_CHECKING:
    from legato.core.wire import Surface

WARMED: Final = "warmed"
"""The tag of entries that were not kept as they were answered."""
_OK: Final = 200
_NS_PER_S: Final = 1_000_000_000
_PROMPT: Final = f"{Kind.PROMPT}/"


class Met(NamedTuple):
    """A captured request, taken apart."""

    head: CapturedHead
    content: CapturedContent
    route: Route
    scope: str
    asked: Asked


class Traffic:
    """Takes captures apart as the gateway would now. `left_out` counts why one wasn't."""

    def __init__(
        self, routes: Mapping[str, Route], principals: Mapping[str, Principal], clock: Clock
    ) -> None:
        """`principals` are keys by their ids."""
        self._routes = routes
        self._principals = principals
        self._surfaces: dict[str, Surface] = {
            one.name: one for one in (ChatCompletions(clock), Messages())
        }
        self.left_out: Counter[str] = Counter()

    def met(self, captures: Iterator[Capture], route: str | None = None) -> Iterator[Met]:
        """Yield what would be looked up, of one route or of all."""
        for capture in captures:
            if route is not None and capture.head.route != route:
                continue
            try:
                yield self._met(capture)
            except NotEligible as reason:
                self.left_out[str(reason)] += 1

    def _met(self, capture: Capture) -> Met:
        head = capture.head
        route, surface = self._routes.get(head.route), self._surfaces.get(head.surface)
        principal = self._principals.get(head.key_id)
        if route is None or route.semantic is None:
            raise NotEligible("route")
        if surface is None:
            raise NotEligible("surface")
        if principal is None:
            raise NotEligible("key")
        if head.http_status != _OK or not capture.content.complete:
            raise NotEligible("answer_content")
        prompted = head.versions.startswith(_PROMPT)
        if prompted and route.context is not None:
            raise NotEligible("prompt")  # it is kept as it was sent, shortened
        call = Call(head.request_id, surface, Nowhere(), head.at_ns)
        call.principal, call.route, call.user = principal, route, head.end_user
        call.body = capture.body
        call.user_context = prompted and names_user(read_json(capture.content.request))
        try:
            call.view = surface.read(call.body)
        except InvalidRequest:
            raise NotEligible("content") from None
        call.versions = _asked_versions(head.versions, route)
        terms = route.semantic
        asked = asked_of(call, route, terms)
        return Met(head, capture.content, route, scope_of(call, route, terms), asked)


def logged(met: Met) -> Logged:
    """Return a request for a replay."""
    head = met.head
    return Logged(
        at_ns=head.at_ns,
        scope=met.scope,
        partition=met.asked.partition,
        text=met.asked.text,
        answer=_answer(met),
        cost=head.cost or head.baseline_cost,
        ttl_s=met.route.cache_ttl_s,
        exact=head.cache == HIT,
    )


def warmed(met: Met, entry_id: str, now_ns: int) -> Entry:
    """Return what is kept of a request from now on. Raises NotEligible."""
    head, content = met.head, met.content
    if _answer(met) is None:
        raise NotEligible("answer_content")
    if head.deployment not in {one.name for one in met.route.deployments}:
        raise NotEligible("deployment")
    expires_ns = now_ns + int(met.route.cache_ttl_s * _NS_PER_S)
    return Entry(
        id=entry_id,
        partition=met.asked.partition,
        text=met.asked.text,
        answer=CachedAnswer(
            content.answer,
            content.frames,
            Usage(in_uncached=head.input_tokens, out_text=head.output_tokens),
            head.total_us,
            head.deployment,
            head.model_served,
            expires_ns,
        ),
        cost=head.cost,
        org=head.org,
        team=head.team,
        route=head.route,
        versions=head.versions,
        tags=(WARMED,),
        created_ns=head.at_ns,
        expires_ns=expires_ns,
        request_id=head.request_id,
        user=head.end_user,
    )


def _answer(met: Met) -> str | None:
    content = met.content
    try:
        return text_to_keep(Reply(content.answer, frames=content.frames))
    except NotEligible:
        return None


def _asked_versions(versions: str, route: Route) -> str:
    """Return the versions known when a request was looked up: without its deployment's."""
    answered = {one.version for one in route.deployments if one.version}
    return ", ".join(one for one in versions.split(", ") if one and one not in answered)

"""Captures what a policy lets be kept of requests and answers.

Which requests is decided once their route is known. What is kept is handed over when a request
has ended: nothing is encoded, sealed or written on the event loop.
"""

from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from legato.core.captured import POINTS, CapturedHead, sample_point
from legato.core.config_records import CaptureRule
from legato.core.registry import Kind
from legato.gateway.capture_labelling import Contents, Find, Labelling

if TYPE_CHECKING:
    from legato.core.principal import Principal
    from legato.gateway.context import Call

_NS_PER_US: Final = 1_000
_NS_PER_DAY: Final = 86_400_000_000_000


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What is handed over; `rendered` is a body still to be encoded, None where it is `request`."""

    head: CapturedHead
    request: bytes
    rendered: dict[str, Any] | None
    answer: bytes
    frames: bool
    complete: bool
    labelling: Labelling | None = None
    """Takes personal data and secrets out, before it is kept."""

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        return 2 * len(self.request) + len(self.answer)

    def labelled(self, find: Find) -> "Offer":
        """Return what of it may be kept."""
        if self.labelling is None:
            return self
        contents = Contents(self.request, self.rendered, self.answer, self.complete)
        kept = self.labelling.labelled(contents, find, frames=self.frames)
        return msgspec.structs.replace(self, **kept._asdict())


class Taker(Protocol):
    """Takes what is captured, off the event loop."""

    def offer(self, offer: Offer) -> None:
        """Take it, or drop and count it; never waits."""
        ...


class Chosen(msgspec.Struct, frozen=True, gc=False):
    """A rule, ready to be asked on each request."""

    routes: frozenset[str] | None
    keys: frozenset[str] | None
    features: frozenset[str] | None
    tags: tuple[tuple[str, str], ...]
    points: int
    """Requests whose point is below this; 0 for a rule that keeps nothing."""
    keep_ns: int
    redact: bool

    @classmethod
    def of(cls, rule: CaptureRule) -> "Chosen":
        """Prepare a rule."""
        kept = rule.payloads == "full"
        return cls(
            _names(rule.routes),
            _names(rule.keys),
            _names(rule.features),
            tuple(rule.tags.items()),
            round(rule.share * POINTS) if kept else 0,
            rule.retention_days * _NS_PER_DAY,
            rule.redact,
        )

    def fits(self, principal: "Principal", route: str) -> bool:
        """Whether the rule is about such a request."""
        return (
            (self.routes is None or route in self.routes)
            and (self.keys is None or principal.name in self.keys)
            and (self.features is None or principal.feature in self.features)
            and all(principal.tags.get(name) == value for name, value in self.tags)
        )


class CaptureStage:
    """Chooses requests and hands over what came of them."""

    def __init__(self, rules: Sequence[CaptureRule], bytes_max: int, taker: Taker) -> None:
        self._rules = tuple(Chosen.of(rule) for rule in rules)
        self._bytes_max = bytes_max
        self._taker = taker

    def choose(self, call: "Call") -> None:
        """Set how much of the answer is to be kept: 0 where this request is not captured."""
        route, principal = call.route, call.principal
        if route is None or principal is None or not principal.live:
            return
        for rule in self._rules:
            if rule.fits(principal, route.alias):
                if rule.points and sample_point(call.request_id) < rule.points:
                    call.captured_bytes_max = self._bytes_max
                    call.captured_for_ns = rule.keep_ns
                    call.captured_redacted = rule.redact
                return

    def after(self, record: "Callable[[Call], None]") -> "Callable[[Call], None]":
        """Return what records a request and then captures it."""

        def run(call: "Call") -> None:
            record(call)
            if call.captured_for_ns:
                self._taker.offer(self._offer(call))

        return run

    def _offer(self, call: "Call") -> Offer:
        limit, request = self._bytes_max, call.raw
        reply = None if call.reply is None or call.http_status != _OK else call.reply
        answer = b"" if reply is None else reply.kept
        # a stream that outgrew its limit kept nothing
        whole = len(request) <= limit and len(answer) <= limit and (reply is None or bool(answer))
        turn = call.view.turn
        turned = turn is not None and (turn.previous_id or turn.referenced_ids)
        changed = turned or call.versions.startswith(_PROMPT)  # prompts are named first
        return Offer(
            _head(call),
            request if len(request) <= limit else b"",
            call.body if changed and len(request) <= limit else None,
            answer if len(answer) <= limit else b"",
            frames=reply is not None and reply.frames,
            complete=whole,
            labelling=Labelling(call) if call.captured_redacted else None,
        )


_OK: Final = 200
_PROMPT: Final = f"{Kind.PROMPT}/"


def _head(call: "Call") -> CapturedHead:
    principal, route, deployment = call.caller, call.route, call.deployment
    return CapturedHead(
        request_id=call.request_id,
        at_ns=call.arrived_ns,
        expires_at_ns=call.arrived_ns + call.captured_for_ns,
        org=principal.org,
        team=principal.team,
        feature=principal.feature,
        key_id=principal.key_id,
        end_user=call.user,
        tags=principal.tags,
        surface=call.surface.name,
        model_requested=call.view.model,
        route="" if route is None else route.alias,
        deployment="" if deployment is None else deployment.name,
        model_served=call.model_served,
        versions=call.versions_with(deployment),
        arm=call.arm,
        http_status=call.http_status,
        error_code=call.error_code,
        stream=call.view.stream,
        cache=call.cache,
        cost=call.cost,
        baseline_cost=call.baseline_cost,
        input_tokens=call.usage.input_tokens,
        output_tokens=call.usage.output_tokens,
        total_us=(perf_counter_ns() - call.started_ns) // _NS_PER_US,
    )


def _names(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)

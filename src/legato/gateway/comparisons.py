"""Compares answers of a route's choice with its baseline's, so that its floor is proven.

A copy of a call that is over goes to the other of the two; nobody waits for it. It stands in the
ledger as a call of its own, of the kind `shadow`, a judge's as `judge`, both within the route's own
daily limit for the caller's organisation, whatever the key's budget. What fails, or can't be
compared, proves nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.core.config import Strategy
from legato.core.config_routing import Guarantee
from legato.core.decisions import OK as STEP_OK
from legato.core.errors import AnswerUnfit, LegatoError
from legato.core.money import amount
from legato.core.principal import BudgetLimit, Window
from legato.core.records import EntryKind
from legato.core.wire import Operation, Surface
from legato.gateway.background import OK, Background, Nowhere, answered
from legato.gateway.context import Call
from legato.gateway.request_features import asked_text
from legato.judging.asking import Heard, Subject
from legato.judging.judge import JudgeSpec, Pairwise
from legato.judging.pairs import judge_pair
from legato.routing.floor.compared import Compared
from legato.routing.floor.freedom import About, Terms
from legato.routing.good_enough import CHOSEN
from legato.routing.rollouts.agreement import compared, text_of
from legato.routing.strategies import ORDERS

if TYPE_CHECKING:
    from legato.gateway.context import Reply
    from legato.gateway.directory import Deployment, Directory, Route
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage
    from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

Learn = Callable[[About, int, Terms, Compared | None], Awaitable[None]]
_ORDERED: Final = ORDERS[Strategy.ORDERED]
_LOSSES: Final = {1.0: -1, 0.5: 0, 0.0: 1}
"""By the score of the choice's answer."""
_JUDGED_BY: Final = (
    "Prefer the answer that is right and does what was asked. Where both are right and do it, it "
    "is a tie, however they are worded."
)


class ComparisonRooms(msgspec.Struct, frozen=True, eq=False):
    """What comparisons work with."""

    directory: "Directory"
    call_stage: "CallStage"
    record: "RecordStage"
    meters: "Meters"
    chat: Surface
    learn: Learn
    new_id: Callable[[], str]
    now_ns: Callable[[], int]
    random: Callable[[], float]


class Comparisons:
    """Makes comparisons, a few at once."""

    def __init__(self, rooms: ComparisonRooms) -> None:
        self._rooms = rooms
        self._background = Background("comparison")
        self.end = self._background.end

    def __call__(self, live: Call) -> None:
        """Compare a call that is over, where there is an answer to compare. Waits for nothing."""
        route = live.route
        if route is None or route.quality is None or route.quality.terms.guarantee is None:
            return
        other = next((one for one in route.deployments if one.name == live.compare), None)
        if other is None or not _comparable(live):
            return
        if self._background.is_full:
            self._count(route, "left_out")
            return
        guarantee = route.quality.terms.guarantee
        self._background.begin(self._compare(live, route, other, guarantee))

    async def _compare(
        self, live: Call, route: "Route", other: "Deployment", guarantee: Guarantee
    ) -> None:
        copy = self._call(live, route, guarantee, EntryKind.SHADOW)
        copy.surface, copy.body, copy.body_bytes = live.surface, live.body, live.body_bytes
        copy.view, copy.versions = live.view, live.versions
        copy.route = _copied(route, other)
        reply = await self._ask(copy)
        if reply is None or live.reply is None:
            self._count(route, "failed")
            return
        # the live answer is the choice's unless the call was held back for the baseline
        answers = (live.reply.kept, reply.kept)
        mine, baseline = answers if other.name == route.baseline.name else answers[::-1]
        loss = await self._loss(live, guarantee, mine, baseline)
        if loss is None or route.quality is None:
            self._count(route, "undecided")
            return
        self._count(route, ("better", "equal", "worse")[loss + 1])
        try:
            terms = Terms(guarantee.margin, guarantee.alpha)
            about = About(live.caller.org, route.alias, route.quality.policy_of(live.caller.org))
            await self._rooms.learn(about, loss, terms, _compared(live, route, other))
        except LegatoError as error:
            log.warning("a comparison is lost", extra={"reason": error.code})

    async def _loss(
        self, live: Call, guarantee: Guarantee, mine: bytes, baseline: bytes
    ) -> int | None:
        """Return 1 where the choice's answer is worse, 0, -1; None where nobody can say."""
        agrees = compared(mine, baseline).agrees
        if agrees is None:
            return None
        if agrees:
            return 0
        if guarantee.judge is None:
            return 1  # what differs and nobody judges is taken for worse
        one, other = text_of(mine), text_of(baseline)
        subject = Subject(answer=one or "", other=other or "", input=asked_text(live.body))
        spec = JudgeSpec(guarantee.judge, pairwise=Pairwise(_JUDGED_BY))
        course = judge_pair(spec, subject)
        score: float | None = None
        try:
            ask = next(course)
            while True:
                ask = course.send(await self._heard(live, guarantee, ask))
        except StopIteration as end:
            score = end.value.score
        return None if score is None else _LOSSES[score]

    async def _heard(self, live: Call, guarantee: Guarantee, ask: dict[str, Any]) -> Heard:
        """Ask the judge's model."""
        rooms = self._rooms
        try:
            judge = rooms.directory.named(guarantee.judge or "")
        except LegatoError as error:
            return Heard(text=None, refusal=error.message)
        if judge is None or live.route is None:
            return Heard(text=None, refusal="no such judge")
        call = self._call(live, live.route, guarantee, EntryKind.JUDGE)
        call.surface, call.body, call.route = rooms.chat, ask, judge
        call.body_bytes, call.view = len(msgspec.json.encode(ask)), rooms.chat.read(ask)
        reply = await self._ask(call)
        if reply is None:
            unsupported = call.error_code == "invalid_request" and "response_format" in ask
            return Heard(text=None, refusal=call.error_code, unsupported=unsupported)
        return Heard(text=text_of(reply.body))

    async def _ask(self, call: Call) -> "Reply | None":
        """Return an answer, None where there is none. The books are closed."""
        try:
            return await answered(call, self._rooms.call_stage, self._rooms.random)
        finally:
            self._rooms.record.overhead(call)

    def _call(self, live: Call, route: "Route", guarantee: Guarantee, kind: EntryKind) -> Call:
        """Return a call of its own, by the same key, paid for by the route's own limit.

        Each organisation has one of its own: what one spends leaves the others' as it is.
        """
        call = Call(self._rooms.new_id(), live.surface, Nowhere(), self._rooms.now_ns())
        limit = BudgetLimit(
            f"floor:{live.caller.org}:{route.alias}",
            amount(guarantee.shadow_usd_per_day),
            Window.DAY,
            f"the floor of {route.alias}",
        )
        call.principal = msgspec.structs.replace(live.caller, budget=limit)
        call.kind, call.user = kind, live.user
        return call

    def _count(self, route: "Route", result: str) -> None:
        self._rooms.meters.comparison(route.alias, result)


def _compared(live: Call, route: "Route", other: "Deployment") -> Compared | None:
    """Return whose answers were compared; None for a cascade, whose choice is several."""
    if route.cascade is not None or live.deployment is None:
        return None
    baseline = route.baseline.name
    choice = live.deployment.name if other.name == baseline else other.name
    return Compared(live.request_id, choice, baseline)


def _comparable(live: Call) -> bool:
    """Whether there is a whole answer of a single turn, by somebody who calls for real."""
    return (
        live.http_status == OK
        and live.reply is not None
        and not live.view.stream
        and live.view.turn is None
        and (live.attempts == 1 or _by_its_steps(live))
        and live.surface.operation is Operation.CHAT
        and live.kind is EntryKind.USAGE
        and live.caller.live
        and _by_who_was_chosen(live)
    )


def _copied(route: "Route", other: "Deployment") -> "Route":
    """Return a route of the baseline alone; of all the steps where the choice is a cascade."""
    plain = msgspec.structs.replace(route, rules=None, quality=None, cache_ttl_s=0.0)
    if route.cascade is not None and other.name != route.baseline.name:
        return plain
    return msgspec.structs.replace(plain, deployments=(other,), order=_ORDERED, cascade=None)


def _by_its_steps(live: Call) -> bool:
    """Whether a cascade's steps were asked in their order, each once, and nothing went wrong."""
    cascaded = live.route is not None and live.route.cascade is not None
    return cascaded and all(step.code in {STEP_OK, AnswerUnfit.code} for step in live.steps)


def _by_who_was_chosen(live: Call) -> bool:
    """Whether a call was answered by whom its quality chose.

    Else a rule prefers another, or the one chosen was passed over as broken or busy: such an answer
    set beside the baseline's (or the baseline's own) proves nothing of the choice.
    """
    route, routed = live.route, live.routed
    if route is not None and route.cascade is not None:
        return routed is not None and not routed.rule
    options = () if routed is None else routed.options
    chosen = next((one.deployment for one in options if one.reason == CHOSEN), None)
    return live.deployment is not None and live.deployment.name == chosen

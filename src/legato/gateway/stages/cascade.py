"""A cascade within a call: in which order its steps are asked, and what becomes of an answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.decisions import Routed
from legato.core.errors import AnswerUnfit
from legato.gateway.sinks import SinkBehind

if TYPE_CHECKING:
    from legato.gateway.context import Call, Headers, Sink
    from legato.gateway.directory import Deployment, Route
    from legato.routing.cascade.checks import Checks

Judging = Callable[["Call", str, str], Awaitable[bool]]
"""Tells whether an answer of a call will do, by a judge's name and the answer's text."""
_READ: Final = frozenset({"chat_completions", "messages"})
HELD_BYTES_MAX: Final = 16 * 1024 * 1024


def in_steps(
    call: "Call",
    route: "Route",
    able: "Sequence[Deployment]",
    random: Callable[[], float],
) -> "Sequence[Deployment]":
    """Return the steps in their order; the last one first where no answer could be checked.

    So it is where the route guarantees a floor and this request is held back.
    """
    cascade, choice = route.cascade, route.quality
    if cascade is None:
        return able
    last = cascade.names[-1]
    backwards = sorted(able, key=lambda one: one.name != last)
    if not can_be_checked(call):
        return backwards
    guarantee = None if choice is None else choice.terms.guarantee
    if choice is None or guarantee is None or backwards[0].name != last:
        return able
    routed = call.routed or Routed()
    share = choice.freedom(call.caller.org) if routed.freedom is None else routed.freedom
    draw = call.drawing(random)
    free = draw() < share
    if draw() < guarantee.shadow_share:
        call.compare = last if free else cascade.names[0]
    call.routed = msgspec.structs.replace(routed, freedom=share)
    return able if free else backwards


def can_be_checked(call: "Call") -> bool:
    """Tell whether a call's answer is one text of its own, of a form that is read."""
    return call.surface.name in _READ and call.view.choices == 1


def checks_of(call: "Call", deployment: "Deployment") -> "Checks | None":
    """Return what the answer of an attempt must pass; None where it is taken as it is."""
    cascade = None if call.route is None else call.route.cascade
    if cascade is None or deployment.name not in cascade.names[:-1]:
        return None
    if not call.candidates or call.candidates[-1] is deployment or not can_be_checked(call):
        return None
    return cascade.checks


async def require_fit(
    call: "Call", deployment: "Deployment", body: bytes, judge: "Judging | None", *, frames: bool
) -> None:
    """Let an answer pass that its route's check doesn't fault.

    Raises:
        AnswerUnfit: it won't do; the next deployment is to be asked.
    """
    checks = checks_of(call, deployment)
    if checks is None:
        return
    from legato.routing.cascade.answer import Unreadable, said_in  # noqa: PLC0415 - loads a library
    from legato.routing.cascade.checks import JUDGE  # noqa: PLC0415 - the same

    try:
        said = said_in(body, frames=frames)
    except Unreadable:
        return  # of another form than could be checked
    if said.calls_tools:
        return
    wanted = call.body.get("response_format")
    fault = checks.fault(said, wanted if isinstance(wanted, dict) else None)
    if not fault and checks.judge is not None and judge is not None:
        # a stream that was unmasked on its way is for the caller alone
        may_be_shown = not (frames and call.masked)
        enough = may_be_shown and await judge(call, checks.judge, said.text)
        fault = "" if enough else JUDGE
    if fault:
        routed = call.routed or Routed()
        rejected = (*routed.rejected, (deployment.name, fault))
        call.routed = msgspec.structs.replace(routed, rejected=rejected)
        raise AnswerUnfit(f"{deployment.name}: its answer failed the check `{fault}`")


class Held(SinkBehind):
    """The caller, as a step of a cascade sees it: nothing goes out until the answer has passed."""

    def __init__(self, sink: "Sink") -> None:
        super().__init__(sink)
        self._headers: Headers = []
        self._frames: list[bytes] = []
        self._bytes = 0

    def all_of(self, last: bytes) -> bytes:
        """Return what was sent, with the last frames. Raises AnswerUnfit: it was too much."""
        if self._bytes > HELD_BYTES_MAX:
            raise AnswerUnfit(f"an answer of more than {HELD_BYTES_MAX} bytes can't be checked")
        return b"".join((*self._frames, last))

    async def start(self, headers: "Headers") -> None:
        """Keep what the stream begins with."""
        self._headers = headers

    def send(self, frames: bytes) -> bool:
        """Keep part of a stream, as long as there is room."""
        self._bytes += len(frames)
        if self._bytes <= HELD_BYTES_MAX:
            self._frames.append(frames)
        return True

    async def drained(self) -> None:
        """Return at once: nobody reads yet."""

    async def end(self, frames: bytes = b"") -> None:
        """Send all of it."""
        await self._sink.start(self._headers)
        for one in self._frames:
            self._sink.send(one)
        await self._sink.end(frames)

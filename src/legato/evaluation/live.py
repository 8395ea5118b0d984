"""Scores a sample of captured live answers, by policy, and watches the scores for drift."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest
from legato.evaluation.gateway_calls import GatewayCaller, Refused, Stopped, Target
from legato.evaluation.runs import TAG as EVALUATION_TAG
from legato.evaluation.scoring import Answer, Caller, Case, Score, Scorer, Unscored
from legato.insights.answers import NoText, answer_text
from legato.insights.captures import Capture, Captures
from legato.insights.drift import Drift, Terms, Watch, watched
from legato.storage.evaluation.live_scores import Alarm, LiveScore, LiveScores, Watched
from legato.storage.kept.captures import CaptureFilter

log = logging.getLogger(__name__)

_NS_PER_S: Final = 1_000_000_000
_NS_PER_DAY: Final = 86_400 * _NS_PER_S
_HELD_NS: Final = 120 * _NS_PER_S
_UNPRICED_NS: Final = 600 * _NS_PER_S
"""How long nothing is scored after a score whose cost isn't known."""
_AT_ONCE: Final = 8
_OK: Final = 200
TAG: Final = "live_scoring"
"""Which tag of an entry names the policy."""
OWN_TAGS: Final = frozenset({TAG, EVALUATION_TAG})


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Which answers are scored, by what, for how much a day."""

    org: str
    name: str
    wanted: CaptureFilter
    prompt: str = ""
    """Only answers that a version of this prompt made; "" for any."""
    usd_per_day: int
    """Nano-USD."""
    feedback: str = ""
    """The scorer whose values become feedback, which rollouts' quality gates read; "" for none."""
    terms: Terms


class Rooms(NamedTuple):
    """What one policy works with."""

    captures: Captures
    last_cursor: Callable[[], int]
    scores: LiveScores
    scorers: Callable[[], Sequence[Scorer]]
    """The policy's scorers, each judge at the version its label points to now."""
    asked: Callable[[str, dict[str, Any]], tuple[dict[str, Any], ...]]
    """Reads the messages of a body by its surface. Raises InvalidRequest."""
    target: Callable[[], Target]
    seal: Callable[[str, bytes], bytes]
    """Seals what is said of a request, by the score's id."""
    tell: Callable[[Capture, str, float], None]
    """Keeps a score as feedback on a request."""


class _Found(NamedTuple):
    """What a scorer made of an answer; no value where it couldn't be scored."""

    value: float | None
    reason: str
    cost: int | None


class LiveScoring:
    """One policy at work. Blocking: call it in a thread."""

    def __init__(
        self, policy: Policy, rooms: Rooms, clock: Clock, *, new_id: Callable[[], str]
    ) -> None:
        self._policy = policy
        self._rooms = rooms
        self._now_ns = clock.now_ns
        self._new_id = new_id

    def pass_once(self, holder: str, may_go_on: Callable[[], bool]) -> int:
        """Score what was captured since the last pass; return how many answers.

        An answer is scored once by each scorer, whatever is killed; a call that was under way is
        made again. Where the day's money is spent, what is captured meanwhile is passed over.

        Raises:
            LegatoError: the database or the vault is away, a scorer can't be had, or a judge has no
                price.
        """
        policy, scores = self._policy, self._rooms.scores
        now_ns = self._now_ns()
        # what was captured before the policy existed isn't scored
        cursor = scores.hold(
            policy.name, holder, now_ns, now_ns + _HELD_NS, start=self._rooms.last_cursor()
        )
        if cursor is None:
            return 0
        found, after = self._rooms.captures.after(cursor, _AT_ONCE, policy.wanted)
        fitting = [one for one in found if self._fits(one)]
        if fitting and self._may_spend(now_ns):
            scorers = self._rooms.scorers()
            asyncio.run(self._score_all(fitting, scorers, may_go_on))
        if may_go_on() and after != cursor:
            scores.move_on(policy.name, holder, after)
        return len(fitting)

    def _fits(self, capture: Capture) -> bool:
        head, prompt = capture.head, self._policy.prompt
        if OWN_TAGS & head.tags.keys():
            return False  # a judge's answer is not to be judged, and that judgement not again
        by_another = bool(prompt) and not head.versions.startswith(f"prompt/{prompt}@")
        return head.http_status == _OK and not by_another

    def _may_spend(self, now_ns: int) -> bool:
        """Return whether the day's money isn't spent.

        Raises:
            InvalidRequest: what it costs isn't known, so that nothing would bound it.
        """
        if self._rooms.scores.unpriced(self._policy.name, now_ns - _UNPRICED_NS):
            raise InvalidRequest(
                "usd_per_day: a judge's calls have no price, so this bounds nothing; give the "
                "deployment that it asks a price. One answer is tried every ten minutes",
                param="usd_per_day",
            )
        today_ns = now_ns - now_ns % _NS_PER_DAY
        return self._rooms.scores.spent(self._policy.name, today_ns) < self._policy.usd_per_day

    async def _score_all(
        self, captures: Sequence[Capture], scorers: Sequence[Scorer], may_go_on: Callable[[], bool]
    ) -> None:
        async with aiohttp.ClientSession() as session:
            caller = GatewayCaller(session, self._rooms.target(), may_go_on)
            for capture in captures:
                done = await asyncio.to_thread(
                    self._rooms.scores.scored, self._policy.name, capture.head.request_id
                )
                for scorer in (one for one in scorers if one.label not in done):
                    if not (may_go_on() and self._may_spend(self._now_ns())):
                        return
                    try:
                        await self._score(capture, scorer, caller)
                    except Stopped:
                        return
                    except Refused as refusal:
                        msg = f"key: the gateway refuses its calls: {refusal}"
                        raise InvalidRequest(msg, param="key") from None

    async def _score(self, capture: Capture, scorer: Scorer, caller: Caller) -> None:
        score: Score | None = None
        cost: int | None = 0
        try:
            case, answer = read_captured(capture, self._rooms.asked)
            score = await scorer.score(case, answer, caller)
            reason, cost = score.reason, score.cost
        except Unscored as unscored:
            reason, cost = str(unscored), unscored.cost
        except (NoText, InvalidRequest) as unfit:
            reason = str(unfit)
        except (Stopped, Refused):
            raise
        except Exception:  # one answer must not keep all behind it from being scored
            log.exception(
                "an answer can't be scored", extra={"request_id": capture.head.request_id}
            )
            reason = "Legato failed; the log has the details"
        found = _Found(None if score is None else score.value, reason, cost)
        await asyncio.to_thread(self._keep, capture, scorer.label, found)

    def _keep(self, capture: Capture, scorer: str, found: _Found) -> None:
        head, score_id = capture.head, self._new_id()
        kept = LiveScore(
            id=score_id,
            policy=self._policy.name,
            scorer=scorer,
            request_id=head.request_id,
            versions=head.versions,
            deployment=head.deployment,
            at_ns=head.at_ns,
            value=found.value,
            sealed=self._rooms.seal(score_id, found.reason.encode()),
            cost=found.cost,
            scored_at_ns=self._now_ns(),
        )
        alarm = self._rooms.scores.put(
            kept, lambda before: self._watched(kept, before), user=head.end_user
        )
        if found.value is not None and self._policy.feedback == scorer:
            self._rooms.tell(capture, scorer, found.value)
        if alarm is not None:
            drift = msgspec.json.decode(alarm.evidence, type=Drift)
            log.error(
                "scores have drifted",
                extra={
                    "policy": alarm.policy,
                    "scorer": alarm.scorer,
                    "versions": alarm.versions,
                    "direction": drift.direction.value,
                    "reference_mean": round(drift.reference_mean, 4),
                    "mean": round(drift.mean, 4),
                },
            )

    def _watched(self, kept: LiveScore, before: str | None) -> Watched:
        watch = Watch() if before is None else msgspec.json.decode(before, type=Watch)
        if watch.alarmed or kept.value is None:
            return Watched(msgspec.json.encode(watch).decode())
        after, drift = watched(watch, [kept.value], self._policy.terms)
        if drift is None:
            return Watched(msgspec.json.encode(after).decode())
        alarm = Alarm(
            self._new_id(),
            kept.policy,
            kept.scorer,
            kept.versions,
            self._now_ns(),
            msgspec.json.encode(drift).decode(),
        )
        return Watched(msgspec.json.encode(after).decode(), alarm)


def read_captured(
    capture: Capture, asked: Callable[[str, dict[str, Any]], tuple[dict[str, Any], ...]]
) -> tuple[Case, Answer]:
    """Return what was asked and answered. Raises NoText, InvalidRequest: it is no chat."""
    head, content = capture.head, capture.content
    if not (content.rendered or content.request):
        raise NoText("can't be judged: what was asked was too large to be captured")
    text = answer_text(head.surface, content.answer, frames=content.frames)
    messages = asked(head.surface, capture.body)
    answer = Answer(text=text, request_id=head.request_id, cost=head.cost, latency_us=head.total_us)
    return Case(id=head.request_id, messages=messages), answer

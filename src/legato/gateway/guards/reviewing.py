"""Looks at whole answers by what has to be asked elsewhere: an embedder, a judge.

It happens when all of an answer has come and passed the other checks, before any of it goes out
and before its attempt is ended in the books. The text is as the model wrote it: what was redacted
for the model is still redacted.
"""

from collections.abc import Iterator, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.errors import DetectorFailed, LegatoError, OutputBlocked
from legato.core.guarding import Action, Finding, Piece, Place
from legato.gateway.guards.grounding import DETECTOR as GROUNDING
from legato.gateway.guards.grounding import GroundingReview
from legato.gateway.guards.judging import DETECTOR as JUDGE
from legato.gateway.guards.judging import doubt_of_answer
from legato.gateway.guards.topics import DETECTOR as TOPICS
from legato.guardrails.outputs.decoding import decoded
from legato.guardrails.outputs.findings import Noticed
from legato.guardrails.outputs.whole import note, refuse
from legato.guardrails.policy.compiling import CompiledPolicy
from legato.guardrails.policy.deciding import Evidence, Hit, hits_of
from legato.guardrails.topics.reading import reading_of_answer

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.guards.judging import RuleJudges
    from legato.gateway.guards.topics import Topics
    from legato.guardrails.outputs.grounded import Complaint, Grounded
    from legato.guardrails.outputs.plan import OutputRun
    from legato.guardrails.policy.compiling import CompiledRule
    from legato.telemetry.metrics import Meters

_NS_PER_MS: Final = 1e6


class Gathering:
    """A TextFilter that changes nothing and remembers what passed, by the name of the text."""

    def __init__(self, texts: dict[str, list[str]], where: str) -> None:
        self._parts = texts.setdefault(where, [])

    def feed(self, text: str) -> str:
        """Pass it on."""
        self._parts.append(text)
        return text

    def end(self) -> str:
        """Hold nothing back."""
        return ""


class Reviewer:
    """Reviews answers; for one event loop."""

    def __init__(
        self,
        topics: "Topics",
        judges: "RuleJudges",
        meters: "Meters",
        grounding: GroundingReview,
    ) -> None:
        self._topics = topics
        self._judges = judges
        self._grounding = grounding
        self._meters = meters

    async def __call__(
        self, call: "Call", run: "OutputRun", texts: Sequence[tuple[str, str]], *, sent: bool
    ) -> None:
        """Look at the texts of an answer, by their names; `sent` tells that it has gone out.

        Raises:
            OutputBlocked: it must not go out. OutputInvalid: ask again.
            DetectorFailed: it couldn't be looked at, where that would have to be known.
        """
        began_ns = perf_counter_ns()
        policies = [one.policy for one in run.plans if isinstance(one.policy, CompiledPolicy)]
        try:
            for where, text in texts:
                view = decoded(text)  # a judge reads no escapes of JSON
                piece = Piece(view.text, where, Place.OUTPUT)
                evidence = await self._evidence(call, policies, piece, sent=sent)
                for hit in _hits(policies, piece, evidence):
                    span = view.original(hit.finding.start, hit.finding.end)
                    _act(run, hit, span, text=text, sent=sent)
                for grounded in run.grounded:
                    complaints = await self._ungrounded(call, grounded, view.text, sent=sent)
                    placed = [one.at(view.original) for one in complaints]
                    enforced = grounded.enforced and not sent
                    note(run.found, placed, where, enforced=enforced)
                    refuse(complaints if enforced else ())
        finally:
            run.found.check_ms += (perf_counter_ns() - began_ns) / _NS_PER_MS

    async def _evidence(
        self, call: "Call", policies: Sequence[CompiledPolicy], piece: Piece, *, sent: bool
    ) -> Evidence:
        rules = [(one, rule) for one in policies for rule in reviewed_by(one)]
        topical = [pair for pair in rules if pair[1].reads_topics]
        found: dict[tuple[CompiledRule, str], list[Finding]] = {}
        try:
            reading = reading_of_answer(piece)
            found |= await self._topics.find(call, [rule for _, rule in topical], reading)
        except LegatoError as error:
            closed = not sent and any(rule.protects for one, rule in topical if one.is_enforced)
            self._failed(TOPICS, error.code, closed=closed)
        for policy, rule in rules:
            judge = rule.setting.judge
            if judge is None:
                continue
            try:
                doubt = doubt_of_answer(piece.text, piece.where)
                told = await self._judges.confirmed(call, rule, [doubt])
                found |= {(rule, where): some for where, some in told.items()}
            except DetectorFailed as error:
                refuses = judge.on_failure == "refuse" and rule.protects and policy.is_enforced
                self._failed(JUDGE, error.message, closed=refuses and not sent)
        return found

    async def _ungrounded(
        self, call: "Call", grounded: "Grounded", text: str, *, sent: bool
    ) -> "list[Complaint]":
        """Return what the sources don't support; where somebody fails, what is known without."""
        closed = grounded.refuses and not sent
        judge = grounded.check.judge
        try:
            held = await self._grounding.by_meaning(call, grounded, text)
        except LegatoError as error:
            self._failed(GROUNDING, error.code, closed=closed)
            held = grounded.context.held_against(text)
        try:
            return await self._grounding.by_judge(call, grounded, text, held)
        except DetectorFailed as error:
            refuses = judge is not None and judge.on_failure == "refuse"
            self._failed(GROUNDING, error.message, closed=closed and refuses)
            return grounded.complaints(grounded.lacking(held), len(held))

    def _failed(self, name: str, reason: str, *, closed: bool) -> None:
        """Count it. Raises DetectorFailed where the answer must not go out unlooked at."""
        self._meters.detector(name, "closed" if closed else "open")
        if closed:
            raise DetectorFailed(f"The detector {name} couldn't look at the answer ({reason}).")


def reviewed_by(policy: CompiledPolicy) -> "tuple[CompiledRule, ...]":
    """Return the rules about answers that have to ask elsewhere."""
    return tuple(rule for rule in policy.rules_on([Place.OUTPUT]) if rule.asks_elsewhere)


def _hits(policies: Sequence[CompiledPolicy], piece: Piece, evidence: Evidence) -> Iterator[Hit]:
    for policy in policies:
        asked = frozenset(reviewed_by(policy))
        yield from (hit for hit in hits_of(policy, piece, (), evidence) if hit.rule in asked)


def _act(run: "OutputRun", hit: Hit, span: tuple[int, int], *, text: str, sent: bool) -> None:
    """Note what was found, and withhold the answer where that is asked."""
    action = hit.rule.setting.action
    if action is Action.ALLOW:
        return
    enforced = hit.enforced and not sent
    check = f"rules.{hit.rule.setting.name}"
    said = action.value if enforced else f"{action.value}:not_enforced"
    run.found.add(f"{check}.{hit.finding.label.lower()}", said, hit.piece.where, span)
    if not enforced or action is Action.FLAG:
        placed = msgspec.structs.replace(hit.finding, start=span[0], end=span[1])
        run.found.notice(Noticed((hit.policy, hit.rule), placed, hit.piece.where, (text,)))
    if enforced and action is Action.BLOCK:
        raise OutputBlocked(f"The answer was withheld: {check} found what it forbids.")

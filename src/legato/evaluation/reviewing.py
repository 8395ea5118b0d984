"""Answers that people are to review: of an evaluation, or of captured traffic.

Which ones a sample has follows from their ids, so nobody picks them. What is in the queue already
isn't put there again: asked once more, a sample has the next ones.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from heapq import nsmallest
from typing import Any, Final, NamedTuple

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.origin import Origin
from legato.evaluation.datasets import BLOCK_CASES
from legato.evaluation.live import OWN_TAGS, read_captured
from legato.evaluation.plans import Plan
from legato.evaluation.runs import Rooms
from legato.evaluation.scorers.judge import input_text, known_text
from legato.evaluation.scoring import Answer, Case
from legato.insights.answers import NoText
from legato.insights.captures import Capture, Captures
from legato.insights.reviews import Reviews, Wish
from legato.judging.asking import Subject
from legato.storage.kept.captures import CaptureFilter

ANSWERS_MAX: Final = 5_000
"""Put into a queue at once."""
_MIDDLE: Final = 0.5
_OK: Final = 200
Place = tuple[int, int, int]
"""Case, subject and repetition of an answer of an evaluation."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which answers of an evaluation; with nothing set, all that came.

    `failed`: some scorer gave less than its `fail_under`, or than a half. `disagreeing`: of two
    scorers one gave a half or more, the other less.
    """

    failed: bool = False
    disagreeing: bool = False
    sample: int | None = None


class Filled(NamedTuple):
    """What was put into a queue, and why others were not."""

    ids: list[str]
    left_out: Counter[str]


class Queue(NamedTuple):
    """Where answers are put: a judge's queue, and which share of them two people label."""

    reviews: Reviews
    judge: str
    double_share: float

    def put(self, wishes: Sequence[Wish], left_out: Counter[str]) -> Filled:
        """Add them. Raises Conflict: one is of a request that was erased."""
        return Filled(self.reviews.add(self.judge, wishes, self.double_share), left_out)


def fill_from_evaluation(queue: Queue, rooms: Rooms, evaluation_id: str, choice: Choice) -> Filled:
    """Put answers of an evaluation into a queue.

    Raises:
        NotFound: there is no such evaluation.
        InvalidRequest: the choice can't be made, or is of too many.
        Erased: what is kept of it can't be opened any more.
    """
    if choice.failed and choice.disagreeing:
        raise InvalidRequest("disagreeing: say failed or disagreeing", param="disagreeing")
    record = rooms.evaluations.store.get(evaluation_id)
    plan = rooms.evaluations.plan(record)
    there = queue.reviews.store.sources(queue.judge, f"evaluation:{evaluation_id}/")
    places = [
        place
        for place in _fitting(rooms, evaluation_id, plan, choice)
        if _source(evaluation_id, place) not in there
    ]
    places = _sampled(places, choice.sample, lambda place: _source(evaluation_id, place))
    left_out: Counter[str] = Counter()
    wishes = list(_wishes(rooms, evaluation_id, plan, (sorted(places), left_out)))
    return queue.put(wishes, left_out)


def fill_from_captures(
    queue: Queue,
    captures: Captures,
    wanted: CaptureFilter,
    *,
    asked: Callable[[str, dict[str, Any]], tuple[dict[str, Any], ...]],
    sample: int,
) -> Filled:
    """Put a sample of captured answers into a queue; `asked` reads a body by its surface.

    Raises:
        InvalidRequest: the sample is too large.
    """
    there = queue.reviews.store.sources(queue.judge, "request:")
    fitting = (
        one
        for one in captures.all(wanted)
        if one.head.http_status == _OK
        and not OWN_TAGS & one.head.tags.keys()
        and _of_request(one) not in there
    )
    left_out: Counter[str] = Counter()
    wishes = []
    for one in _sampled(fitting, sample, _of_request):
        try:
            case, answer = read_captured(one, asked)
        except NoText as reason:
            left_out[f"its answer {reason}"] += 1
        except InvalidRequest:
            left_out["it is no chat"] += 1
        else:
            origin = Origin(one.head.request_id, one.head.end_user)
            wishes.append(Wish(subject=_subject(case, answer), source=_of_request(one),
                               origin=origin))  # fmt: skip
    return queue.put(wishes, left_out)


def _fitting(rooms: Rooms, evaluation_id: str, plan: Plan, choice: Choice) -> Iterator[Place]:
    least = [
        _MIDDLE if one.get("fail_under") is None else one["fail_under"] for one in plan.scorers
    ]
    for row in rooms.evaluations.store.answers(evaluation_id):
        if row["error"]:
            continue
        values: list[float | None] = msgspec.json.decode(row["scores"])
        scored = [(value, low) for value, low in zip(values, least, strict=True)
                  if value is not None]  # fmt: skip
        if choice.failed and not any(value < low for value, low in scored):
            continue
        if choice.disagreeing and len({value < _MIDDLE for value, _ in scored}) < len((0, 1)):
            continue
        yield row["case_number"], row["subject"], row["repetition"]


def _wishes(
    rooms: Rooms, evaluation_id: str, plan: Plan, chosen: tuple[Sequence[Place], Counter[str]]
) -> Iterator[Wish]:
    places, left_out = chosen
    number, cases = -1, list[Case]()
    for place in places:
        case_number, subject, repetition = place
        behind = (case_number, subject, repetition - 1)
        (record,) = rooms.evaluations.store.answers_page(evaluation_id, behind, 1, amiss=False)
        answer = rooms.evaluations.answer(evaluation_id, record).answer
        if answer.error or not answer.text:
            left_out["it has no text any more"] += 1
            continue
        if case_number // BLOCK_CASES != number:
            number = case_number // BLOCK_CASES
            cases = rooms.datasets.block(plan.digest, number)
        case = cases[case_number % BLOCK_CASES]
        yield Wish(
            subject=_subject(case, answer),
            source=_source(evaluation_id, place),
            origin=Origin(record.origin_request, record.origin_user),
        )


def _sampled(found: Any, count: int | None, named: Callable[[Any], str]) -> list[Any]:
    """Return as many as are wanted, by the hash of their names. Raises InvalidRequest."""
    if count is not None and not 1 <= count <= ANSWERS_MAX:
        raise InvalidRequest(f"sample: must be from 1 to {ANSWERS_MAX}", param="sample")
    if count is not None:
        return nsmallest(count, found, key=lambda one: _point(named(one)))
    every = list(found)
    if len(every) > ANSWERS_MAX:
        told = f"sample: {len(every)} answers are too many at once: take up to {ANSWERS_MAX}"
        raise InvalidRequest(told, param="sample")
    return every


def _subject(case: Case, answer: Answer) -> Subject:
    reference = "" if case.expected is None else known_text(case)
    return Subject(
        answer=answer.text, input=input_text(case), context=case.context, reference=reference
    )


def _point(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=8, person=b"review").digest()


def _source(evaluation_id: str, place: Place) -> str:
    return f"evaluation:{evaluation_id}/{'/'.join(map(str, place))}"


def _of_request(capture: Capture) -> str:
    return f"request:{capture.head.request_id}"

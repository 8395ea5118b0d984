"""What one organisation's records say of a route's deployments: what its router is trained on.

Texts come from captured requests and from cases of data sets, as they are kept: what the capture
policy masked is masked here. Whose text isn't kept says nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import StoredData
from legato.app.models.vaults import open_data_keys
from legato.core.captured import CapturedHead
from legato.core.decisions import FROM_CACHE, SEMANTIC
from legato.core.errors import Erased, LegatoError
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.evaluation.plans import Plan
from legato.evaluation.routing.evidence import Evidence, Source, good_by_word
from legato.evaluation.runs import Rooms
from legato.gateway.request_features import asked_text
from legato.insights.captures import Capture, Captures
from legato.storage.evaluation.evaluations import EvaluationRecord
from legato.storage.evaluation.feedback_reading import FeedbackFilter
from legato.storage.kept.captures import CaptureFilter
from legato.vault.envelope import Envelopes

_ROWS_PER_READ: Final = 1_000
_NANO: Final = 1e9
_OK: Final = 200


class Wanted(NamedTuple):
    """Of whom, of which route's deployments and of which time; `until_ns` is not in it."""

    org: str
    route: str
    deployments: Sequence[str]
    since_ns: int
    until_ns: int
    sources: Sequence[Source]


class _Word(NamedTuple):
    """What is said of the answer to a request; `deployment` is "" for the one that answered."""

    source: Source
    deployment: str
    good: float


class RouterEvidence:
    """Reads it. `left_out` counts words whose text isn't to be had, and why."""

    def __init__(self, stored: StoredData, instance: Instance, wanted: Wanted) -> None:
        self._stored = stored
        self._instance = instance
        self._wanted = wanted
        self._tenant = Tenant(wanted.org)
        self.left_out: Counter[str] = Counter()

    def read(self) -> Iterator[Evidence]:
        """Yield all of it. Raises StorageUnavailable."""
        if Source.EVALUATIONS in self._wanted.sources:
            yield from self._of_evaluations()
        yield from self._of_requests()

    def _of_requests(self) -> Iterator[Evidence]:
        words: dict[str, list[_Word]] = defaultdict(list)
        readers: Mapping[Source, Callable[[], Iterator[tuple[str, _Word]]]] = {
            Source.SCORES: self._scores,
            Source.COMPARISONS: self._comparisons,
            Source.FEEDBACK: self._feedback,
        }
        for source, read in readers.items():
            if source in self._wanted.sources:
                for request_id, word in read():
                    words[request_id].append(word)
        if not words:
            return
        wanted = CaptureFilter(since_ns=self._wanted.since_ns, until_ns=self._wanted.until_ns)
        for one in self._captures().all(wanted):
            yield from self._of_request(one, words.pop(one.head.request_id, ()))
        missing = sum(map(len, words.values()))
        if missing:
            self.left_out["its request is not captured"] += missing

    def _of_request(self, one: Capture, words: Sequence[_Word]) -> Iterator[Evidence]:
        if not words:
            return
        head = one.head
        text = asked_text(one.body)
        if head.http_status != _OK or head.cache == SEMANTIC or not text:
            why = "its request has no answer of its own" if text else "its text was left out"
            self.left_out[why] += len(words)
            return
        for word in words:
            name = word.deployment or head.deployment
            yield Evidence(
                source=word.source,
                text=text,
                deployment=name,
                good=word.good,
                cost=_cost(head, name),
                origin=Origin(head.request_id, head.end_user),
            )

    def _captures(self) -> Captures:
        data_keys = open_data_keys(
            self._instance.loaded, self._instance.data, self._stored.data_keys()
        )
        return Captures(self._stored.captures(self._tenant), Envelopes(data_keys))

    def _scores(self) -> Iterator[tuple[str, _Word]]:
        reader = self._stored.live_score_reader(self._wanted.org)
        for request_id, deployment, value in reader.values(
            self._wanted.since_ns, self._wanted.until_ns
        ):
            if deployment in self._wanted.deployments:
                yield request_id, _Word(Source.SCORES, deployment, min(max(value, 0.0), 1.0))

    def _comparisons(self) -> Iterator[tuple[str, _Word]]:
        """Each says of either answer whether it is as good as the other."""
        reader = self._stored.comparisons(self._tenant)
        span = (self._wanted.since_ns, self._wanted.until_ns)
        for one in reader.between(self._wanted.route, *span):
            yield one.request_id, _Word(Source.COMPARISONS, one.choice, float(one.loss <= 0))
            yield one.request_id, _Word(Source.COMPARISONS, one.baseline, float(one.loss >= 0))

    def _feedback(self) -> Iterator[tuple[str, _Word]]:
        reader = self._stored.feedback(self._tenant)
        wanted = FeedbackFilter(
            since_ns=self._wanted.since_ns,
            until_ns=self._wanted.until_ns,
            route=self._wanted.route,
        )
        before: str | None = None
        while rows := reader.page(_ROWS_PER_READ, before, wanted):
            for row in rows:
                good = good_by_word(row)
                if good is not None:
                    yield row["request_id"], _Word(Source.FEEDBACK, "", good)
            before = rows[-1]["id"]

    def _of_evaluations(self) -> Iterator[Evidence]:
        rooms = self._stored.evaluations(self._instance, self._wanted.org)
        before: str | None = None
        while records := rooms.evaluations.store.page(_ROWS_PER_READ, before):
            for record in records:
                try:
                    yield from self._of_evaluation(rooms, record)
                except Erased:
                    self.left_out["the evaluation's key was destroyed"] += record.done
                except LegatoError as error:
                    self.left_out[error.message] += record.done
            before = records[-1].id

    def _of_evaluation(self, rooms: Rooms, record: EvaluationRecord) -> Iterator[Evidence]:
        plan = rooms.evaluations.plan(record)
        subjects = {
            number: one.model
            for number, one in enumerate(plan.subjects)
            if one.model in self._wanted.deployments and not one.version
        }
        if not subjects:
            return
        texts = _texts(rooms, plan)
        for row in rooms.evaluations.store.answers(record.id):
            in_time = self._wanted.since_ns <= row["at_ns"] < self._wanted.until_ns
            if row["subject"] not in subjects or row["error"] or not in_time:
                continue
            scores = msgspec.json.decode(row["scores"], type=list[float | None])
            values = [one for one in scores if one is not None]
            text = texts.get(row["case_number"], "")
            if not values or not text:
                self.left_out["no score" if text else "its case was erased or is no text"] += 1
                continue
            yield Evidence(
                source=Source.EVALUATIONS,
                text=text,
                deployment=subjects[row["subject"]],
                good=min(max(sum(values) / len(values), 0.0), 1.0),
                cost=None if row["cost"] is None else row["cost"] / _NANO,
                origin=Origin(row["origin_request"], row["origin_user"]),
            )


def _texts(rooms: Rooms, plan: Plan) -> dict[int, str]:
    return {
        number: asked_text({"messages": list(case.messages)})
        for number, case in enumerate(rooms.datasets.read(plan.digest))
        if case.messages
    }


def _cost(head: CapturedHead, deployment: str) -> float | None:
    """Return what a request's own answer cost; nobody noted what a copy's did."""
    if head.cost is None or deployment != head.deployment or head.cache in FROM_CACHE:
        return None
    return head.cost / _NANO

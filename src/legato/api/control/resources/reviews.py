"""Answers that people review, what they say, and how judges agree with them."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter, QueryParameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, moment_ns
from legato.api.control.masking import content_masked
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Desk, Org
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest
from legato.core.origin import NO_ORIGIN, Origin
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.evaluation.reviewing import (
    ANSWERS_MAX,
    Choice,
    Filled,
    Queue,
    fill_from_captures,
    fill_from_evaluation,
)
from legato.insights.reviews import LABELS_MAX, Reviews, Said, Spoken, Wish
from legato.insights.reviews import Shown as ShownItem
from legato.judging.asking import Subject
from legato.judging.labels import label_problems
from legato.registry.rubrics import rubric_of
from legato.storage.kept.captures import CaptureFilter

_TEXT_MAX = 200_000
Text = Annotated[str, Meta(max_length=_TEXT_MAX)]
JudgeName = Annotated[str, Meta(min_length=1, max_length=128)]
Judge = Annotated[str | None, Parameter(max_length=128, required=False)]


class NewItem(Form, frozen=True, kw_only=True):
    """An answer to review; `labels` is how many people are to label it."""

    answer: Text
    input: Text = ""
    context: Text = ""
    reference: Text = ""
    source: Annotated[str, Meta(max_length=200)] = "api"
    request_id: Annotated[str, Meta(pattern="^([0-9a-f]{32})?$")] = ""
    """Whose answer it is: with it an erasure of that request, or of its user, finds the item."""
    labels: Annotated[int, Meta(ge=1, le=LABELS_MAX)] = 1


class NewItems(Form, frozen=True, kw_only=True):
    """Answers to review by a judge's rubric."""

    judge: JudgeName
    items: Annotated[list[NewItem], Meta(min_length=1, max_length=200)]


class Collecting(Form, frozen=True, kw_only=True):
    """Which answers to put into a queue: of an evaluation, or a sample of captured traffic."""

    judge: JudgeName
    evaluation: Annotated[str, Meta(max_length=64)] | None = None
    failed: bool = False
    disagreeing: bool = False
    captures: bool = False
    route: Annotated[str, Meta(max_length=128)] | None = None
    since: Annotated[str, Meta(max_length=40)] | None = None
    sample: Annotated[int, Meta(ge=1, le=ANSWERS_MAX)] | None = None


class Collected(Shown, frozen=True, kw_only=True):
    """The ids of what was added, and how many were left out, by why."""

    ids: list[str]
    left_out: dict[str, int]


class Added(Shown, frozen=True, kw_only=True):
    """The ids of what was added, in order."""

    ids: list[str]


class Which(Form, frozen=True, kw_only=True):
    """By which judge's rubric."""

    judge: JudgeName


class NewLabel(Form, frozen=True, kw_only=True):
    """What is said of an item: a level for each criterion."""

    levels: dict[str, int]
    comment: Annotated[str, Meta(max_length=8_000)] = ""
    correction: Text = ""


class Skip(Form, frozen=True, kw_only=True):
    """Why nothing is said of an item."""

    comment: Annotated[str, Meta(max_length=8_000)] = ""


class ItemHead(Shown, frozen=True, kw_only=True):
    """An item without its content."""

    id: str
    judge: str
    source: str
    labels_wanted: int
    labels_given: int
    created_at: str


class Label(Shown, frozen=True, kw_only=True):
    """What somebody said; `levels` is null where they skipped it."""

    item_id: str
    reviewer: str
    at: str
    levels: dict[str, int] | None
    comment: str
    correction: str
    readable: bool


class Item(Shown, frozen=True, kw_only=True):
    """An item with its content, null where that can't be decrypted any more."""

    head: ItemHead
    content: Any
    labels: list[Label]
    rubric: Any


class NextItem(Shown, frozen=True, kw_only=True):
    """The item that is now before the caller; null where none is left for them."""

    item: Item | None


class ItemPage(Shown, frozen=True, kw_only=True):
    """A page of items, oldest first."""

    data: list[ItemHead]
    next_cursor: str | None


class Measurement(Shown, frozen=True, kw_only=True):
    """How far a judge's version agreed with people."""

    id: str
    judge: str
    digest: str
    author: str
    at: str
    record: Any


class MeasurementPage(Shown, frozen=True, kw_only=True):
    """A page of measurements, newest first."""

    data: list[Measurement]
    next_cursor: str | None


def provide_reviews(services: Given[Services], caller: Given[Caller], org: Org = None) -> Reviews:
    """Open the reviews that a request means. Raises NotFound."""
    return services.reviews(_tenant(caller, org))


@read("/reviews", Permission.REVIEW_READ, tags=["reviews"])
def list_reviews(
    services: Given[Services],
    reviews: Given[Reviews],
    *,
    judge: Judge = None,
    open_only: Annotated[bool, QueryParameter(name="open", required=False)] = False,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> ItemPage:
    """List items, oldest first; `open=true` those that want labels."""
    rows, following = paged(
        services.cursors,
        "reviews",
        (cursor, limit),
        lambda count, after: reviews.store.page(count, after, judge, only_open=open_only),
        name=lambda item: item.id,
    )
    return ItemPage(data=[_head(one) for one in rows], next_cursor=following)


@make("/reviews", Permission.REVIEW_CREATE, tags=["reviews"])
def add_reviews(
    services: Given[Services],
    desk: Given[Desk],
    reviews: Given[Reviews],
    once: Given[Once],
    *,
    caller: Given[Caller],
    org: Org = None,
    data: JSONBody[NewItems],
) -> Response[Added]:
    """Put answers into a judge's queue."""
    rubric_of(desk.registry, data.judge, desk.environment)
    origin_of = services.erasing(_tenant(caller, org)).store.origin_of
    wishes = [_wish(one, origin_of) for one in data.items]

    def work() -> Made:
        share = services.review_terms.double_share
        return Made(Added(ids=reviews.add(data.judge, wishes, share)))

    return once(data, work)


@make("/reviews/collect", Permission.REVIEW_COLLECT, tags=["reviews"])
def collect_reviews(
    services: Given[Services],
    desk: Given[Desk],
    reviews: Given[Reviews],
    once: Given[Once],
    *,
    caller: Given[Caller],
    org: Org = None,
    data: JSONBody[Collecting],
) -> Response[Collected]:
    """Put answers of an evaluation, or of captured traffic, into a judge's queue."""
    rubric_of(desk.registry, data.judge, desk.environment)
    tenant = _tenant(caller, org)
    queue = Queue(reviews, data.judge, services.review_terms.double_share)
    if data.captures is (data.evaluation is not None):
        raise InvalidRequest("evaluation: name one, or say captures", param="evaluation")

    def work() -> Made:
        filled = _collected(services, tenant, queue, data)
        return Made(Collected(ids=filled.ids, left_out=dict(filled.left_out)))

    return once(data, work)


@make("/reviews/next", Permission.REVIEW_LABEL, tags=["reviews"], status_code=200)
def next_review(
    services: Given[Services],
    desk: Given[Desk],
    reviews: Given[Reviews],
    *,
    data: JSONBody[Which],
) -> NextItem:
    """Put the next item before the caller, for `reviews.lease_s`."""
    rubric = rubric_of(desk.registry, data.judge, desk.environment)
    found = reviews.next(data.judge, desk.author, services.review_terms.lease_s)
    if found is None:
        return NextItem(item=None)
    return NextItem(item=_item(found, [], msgspec.to_builtins(rubric)))


@read("/reviews/{review_id:str}", Permission.REVIEW_READ, shows="review.read", tags=["reviews"])
def get_review(
    caller: Given[Caller], desk: Given[Desk], reviews: Given[Reviews], review_id: Id
) -> Item:
    """Show an item with its content and what was said of it."""
    found = reviews.store.get(known_id(review_id))
    rubric = rubric_of(desk.registry, found.judge, desk.environment)
    spoken = reviews.spoken([found.id])
    item = _item(reviews.shown(found), spoken, msgspec.to_builtins(rubric))
    said = [
        content_masked(caller, desk.tenant, one, "comment", "correction") for one in item.labels
    ]
    item = content_masked(caller, desk.tenant, item, "content")
    return msgspec.structs.replace(item, labels=said)


@make("/reviews/{review_id:str}/label", Permission.REVIEW_LABEL, tags=["reviews"], status_code=200)
def label_review(
    desk: Given[Desk], reviews: Given[Reviews], *, review_id: Id, data: JSONBody[NewLabel]
) -> ItemHead:
    """Say a level for each criterion of an item; said again, it takes the place of the first."""
    found = reviews.store.get(known_id(review_id))
    rubric = rubric_of(desk.registry, found.judge, desk.environment)
    if problem := label_problems(rubric, data.levels):
        raise InvalidRequest(f"levels: {problem}", param="levels")
    said = Said(levels=data.levels, comment=data.comment, correction=data.correction)
    reviews.say(found.id, desk.author, said)
    return _head(reviews.store.get(found.id))


@make("/reviews/{review_id:str}/skip", Permission.REVIEW_LABEL, tags=["reviews"], status_code=200)
def skip_review(
    desk: Given[Desk], reviews: Given[Reviews], *, review_id: Id, data: JSONBody[Skip]
) -> ItemHead:
    """Leave an item to others."""
    found = reviews.store.get(known_id(review_id))
    reviews.say(found.id, desk.author, Said(levels=None, comment=data.comment))
    return _head(reviews.store.get(found.id))


@read("/judges/measurements", Permission.REVIEW_READ, tags=["reviews"])
def list_measurements(
    services: Given[Services],
    caller: Given[Caller],
    *,
    judge: Judge = None,
    org: Org = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> MeasurementPage:
    """List how far judges agreed with people, newest first."""
    records = services.judge_records(_tenant(caller, org))
    rows, following = paged(
        services.cursors,
        "judge measurements",
        (cursor, limit),
        lambda count, before: records.page(count, before, judge),
        name=lambda record: record.id,
    )
    data = [
        Measurement(
            id=one.id,
            judge=one.judge,
            digest=one.digest,
            author=one.author,
            at=moment(one.at_ns),
            record=msgspec.json.decode(one.record),
        )
        for one in rows
    ]
    return MeasurementPage(data=data, next_cursor=following)


HANDLERS = (
    list_reviews,
    add_reviews,
    collect_reviews,
    next_review,
    get_review,
    label_review,
    skip_review,
    list_measurements,
)


def _tenant(caller: Caller, org: str | None) -> Tenant:
    return caller.tenant(org)


def _collected(services: Services, tenant: Tenant, queue: Queue, data: Collecting) -> Filled:
    if data.evaluation is not None:
        if data.route is not None or data.since is not None:
            raise InvalidRequest("route: narrows captures, not an evaluation", param="route")
        choice = Choice(failed=data.failed, disagreeing=data.disagreeing, sample=data.sample)
        rooms = services.evaluations(tenant)
        return fill_from_evaluation(queue, rooms, known_id(data.evaluation), choice)
    if data.failed or data.disagreeing:
        raise InvalidRequest("failed: captured traffic has no scores", param="failed")
    if data.sample is None:
        raise InvalidRequest("sample: say how many captured answers", param="sample")
    wanted = CaptureFilter(route=data.route, since_ns=moment_ns(data.since, "since"))
    return fill_from_captures(
        queue, services.captures(tenant), wanted, asked=services.asked, sample=data.sample
    )


def _wish(one: NewItem, origin_of: Callable[[str], Origin]) -> Wish:
    subject = Subject(
        answer=one.answer, input=one.input, context=one.context, reference=one.reference
    )
    origin = origin_of(one.request_id) if one.request_id else NO_ORIGIN
    return Wish(subject=subject, source=one.source, labels=one.labels, origin=origin)


def _head(item: Any) -> ItemHead:
    return ItemHead(
        id=item.id,
        judge=item.judge,
        source=item.source,
        labels_wanted=item.labels_wanted,
        labels_given=item.labels_given,
        created_at=moment(item.created_at_ns),
    )


def _item(found: ShownItem, spoken: list[Spoken], rubric: Any) -> Item:
    content = None if found.subject is None else msgspec.to_builtins(found.subject)
    return Item(
        head=_head(found.item),
        content=content,
        labels=[_label(one) for one in spoken],
        rubric=rubric,
    )


def _label(one: Spoken) -> Label:
    return Label(
        item_id=one.item,
        reviewer=one.reviewer,
        at=moment(one.at_ns),
        levels=one.said.levels,
        comment=one.said.comment,
        correction=one.said.correction,
        readable=one.readable,
    )

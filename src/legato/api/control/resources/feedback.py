"""What callers make of their answers: one by one, and summed."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import Parameter

from legato.api.control.access import Caller, read
from legato.api.control.forms import Shown, moment, moment_ns
from legato.api.control.masking import content_masked
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Sealing, Services
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.insights.feedback import texts_of
from legato.storage.evaluation.feedback_reading import FeedbackFilter, FeedbackSum, Row

_DIMENSIONS_MAX = 6
Narrow = Annotated[str | None, Parameter(max_length=256, required=False)]


class Wanted(msgspec.Struct, frozen=True):
    """Which feedback, and within whose."""

    feedback: FeedbackFilter
    org: str | None


class Answer(Shown, frozen=True, kw_only=True):
    """What the ledger says of the answer."""

    team: str
    feature: str
    route: str
    deployment: str
    model_served: str
    versions: str
    arm: str


class Feedback(Shown, frozen=True, kw_only=True):
    """What one user, or one key, says of one answer; what was not said is null.

    `answer` is null while the ledger knows no answer of this request. `readable` is false where
    texts were sent that can't be decrypted any more.
    """

    id: str
    request_id: str
    org: str
    key_id: str
    user: str
    created_at: str
    changed_at: str
    thumbs: str | None
    score: float | None
    outcome: str | None
    correction: Any
    comment: str | None
    readable: bool
    answer: Answer | None


class FeedbackPage(Shown, frozen=True, kw_only=True):
    """A page of feedback, newest first."""

    data: list[Feedback]
    next_cursor: str | None


class Summary(Shown, frozen=True, kw_only=True):
    """One group; a share or mean is null where nothing of the kind was said."""

    group: dict[str, str]
    count: int
    requests: int
    thumbs_up: int
    thumbs_down: int
    thumbs_up_share: float | None
    scores: int
    score_mean: float | None
    accepted: int
    rework: int
    rejected: int
    wrong_hits: int
    accepted_share: float | None
    corrections: int


class Summaries(Shown, frozen=True, kw_only=True):
    """All groups."""

    data: list[Summary]


def provide_said(  # noqa: PLR0913 - one parameter for each filter
    *,
    org: Narrow = None,
    request_id: Narrow = None,
    user: Narrow = None,
    thumbs: Narrow = None,
    outcome: Narrow = None,
    team: Narrow = None,
    feature: Narrow = None,
    route: Narrow = None,
    deployment: Narrow = None,
    versions: Narrow = None,
    arm: Narrow = None,
    since: Narrow = None,
    until: Narrow = None,
) -> Wanted:
    """Read what narrows a question about feedback. `since` is inclusive, `until` not."""
    wanted = FeedbackFilter(
        since_ns=moment_ns(since, "since"),
        until_ns=moment_ns(until, "until"),
        request_id=request_id,
        end_user=user,
        thumbs=thumbs,
        outcome=outcome,
        team=team,
        feature=feature,
        route=route,
        deployment=deployment,
        versions=versions,
        arm=arm,
    )
    return Wanted(wanted, org)


@read("/feedback", Permission.FEEDBACK_READ, shows="feedback.read", tags=["feedback"])
def list_feedback(
    services: Given[Services],
    caller: Given[Caller],
    *,
    said: Given[Wanted],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> FeedbackPage:
    """List feedback, newest first."""
    reader = services.feedback(caller.narrowed(said.org))
    rows, following = paged(
        services.cursors,
        "feedback",
        (cursor, limit),
        lambda count, before: reader.page(count, before, said.feedback),
        name=lambda row: row["id"],
    )
    data = [
        content_masked(
            caller, Tenant(row["org"]), _shown(row, services.sealing), "correction", "comment"
        )
        for row in rows
    ]
    return FeedbackPage(data=data, next_cursor=following)


@read("/feedback/summary", Permission.FEEDBACK_READ, tags=["feedback"])
def sum_feedback(
    services: Given[Services],
    caller: Given[Caller],
    said: Given[Wanted],
    by: Annotated[
        str, Parameter(max_length=200, description="Dimensions, separated by commas.")
    ] = "deployment",
) -> Summaries:
    """Sum feedback by up to six dimensions, as deployment, feature, versions, day."""
    dimensions = [one.strip() for one in by.split(",") if one.strip()]
    if len(dimensions) > _DIMENSIONS_MAX or len(set(dimensions)) != len(dimensions):
        raise InvalidRequest(f"by: name up to {_DIMENSIONS_MAX} dimensions, each once", param="by")
    found = services.feedback(caller.narrowed(said.org)).sum_by(dimensions, said.feedback)
    return Summaries(data=[_summary(dimensions, one) for one in found])


HANDLERS = (list_feedback, sum_feedback)
_SAME = ("id", "request_id", "org", "key_id", "thumbs", "score", "outcome")


def _shown(row: Row, sealing: Sealing) -> Feedback:
    texts = texts_of(row, sealing)
    answer = {name: row[name] for name in Answer.__struct_fields__}
    return Feedback(
        **{name: row[name] for name in _SAME},
        user=row["end_user"],
        created_at=moment(row["created_at_ns"]),
        changed_at=moment(row["changed_at_ns"]),
        correction=texts.correction,
        comment=texts.comment,
        readable=texts.readable,
        answer=None if row["deployment"] is None else Answer(**answer),
    )


def _summary(dimensions: list[str], one: FeedbackSum) -> Summary:
    measures: dict[str, Any] = msgspec.structs.asdict(one)
    group = dict(zip(dimensions, measures.pop("group"), strict=True))
    return Summary(
        group=group,
        **measures,
        thumbs_up_share=one.thumbs_up_share,
        accepted_share=one.accepted_share,
    )

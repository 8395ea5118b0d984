"""Reads feedback beside the ledger's entry of the answer it is about, one by one or summed."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, FromClause, case, func, select

from legato.core.errors import InvalidRequest
from legato.core.feedback import Outcome, Thumbs
from legato.core.records import EntryKind
from legato.core.tenant import Reach
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import within
from legato.storage.database.version_filter import in_arm, made_by
from legato.storage.database.windows import day_text
from legato.storage.tables.feedback import feedback
from legato.storage.tables.schema import ledger_entry

_NS_PER_DAY: Final = 86_400_000_000_000
_ANSWERS: Final = (EntryKind.USAGE.value, EntryKind.CACHE.value, EntryKind.JUDGE.value)
_OF_THE_ANSWER: Final = (
    "team", "feature", "route", "deployment", "model_served", "versions", "arm",
)  # fmt: skip

Row = dict[str, Any]
"""Feedback by column, texts sealed; what the ledger says of the answer, None while it says nothing.
"""


class FeedbackFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which; what is None does not narrow. `since_ns` is inclusive, `until_ns` not.

    Whatever is asked of the answer leaves out feedback on requests the ledger doesn't know.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    request_id: str | None = None
    end_user: str | None = None
    thumbs: str | None = None
    outcome: str | None = None
    team: str | None = None
    feature: str | None = None
    route: str | None = None
    deployment: str | None = None
    versions: str | None = None
    arm: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for a WHERE over feedback beside its entry."""
        wanted = msgspec.structs.asdict(self)
        since_ns, until_ns = wanted.pop("since_ns"), wanted.pop("until_ns")
        versions, arm = wanted.pop("versions"), wanted.pop("arm")
        found = [
            (ledger_entry if name in _OF_THE_ANSWER else feedback).c[name] == value
            for name, value in wanted.items()
            if value is not None
        ]
        if versions is not None:
            found.append(made_by(ledger_entry.c.versions, versions))
        if arm is not None:
            found.append(in_arm(ledger_entry.c.arm, arm))
        if since_ns is not None:
            found.append(feedback.c.created_at_ns >= since_ns)
        if until_ns is not None:
            found.append(feedback.c.created_at_ns < until_ns)
        return found


class FeedbackDimension(StrEnum):
    """What summaries can be split by."""

    ORG = "org"
    TEAM = "team"
    FEATURE = "feature"
    ROUTE = "route"
    DEPLOYMENT = "deployment"
    MODEL_SERVED = "model_served"
    VERSIONS = "versions"
    ARM = "arm"
    DAY = "day"


class FeedbackSum(msgspec.Struct, frozen=True, kw_only=True):
    """One group. `group` has the dimensions' values, "" where the ledger doesn't know the request.

    Shares and the mean are of those who said something of the kind, None where nobody did.
    """

    group: tuple[str, ...]
    count: int
    requests: int
    thumbs_up: int
    thumbs_down: int
    scores: int
    score_mean: float | None
    accepted: int
    rework: int
    rejected: int
    wrong_hits: int
    corrections: int

    @property
    def thumbs_up_share(self) -> float | None:
        """Thumbs up among all thumbs."""
        return _share(self.thumbs_up, self.thumbs_up + self.thumbs_down)

    @property
    def accepted_share(self) -> float | None:
        """What was accepted as it was, among all outcomes."""
        return _share(self.accepted, self.outcomes)

    @property
    def outcomes(self) -> int:
        """How many told an outcome."""
        return self.accepted + self.rework + self.rejected + self.wrong_hits


_MEASURES: Final = FeedbackSum.__struct_fields__[1:]


class FeedbackReader:
    """Reads what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._within = within(reach, feedback)

    def page(self, count: int, before_id: str | None, wanted: FeedbackFilter) -> list[Row]:
        """Return up to `count` rows, newest first, that are older than the one of an id."""
        conditions = [*self._within, *wanted.conditions()]
        if before_id is not None:
            conditions.append(feedback.c.id < before_id)
        newest_first = (
            select(feedback, *[ledger_entry.c[name] for name in _OF_THE_ANSWER])
            .select_from(_beside_the_answer())
            .where(*conditions)
            .order_by(feedback.c.id.desc())
            .limit(count)
        )
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(newest_first).mappings()]

    def sum_by(
        self, dimensions: Sequence[str], wanted: FeedbackFilter | None = None
    ) -> list[FeedbackSum]:
        """Return one row per combination of the dimensions, in their order.

        Raises:
            InvalidRequest: a dimension is not one of `FeedbackDimension`.
        """
        groups = [_group(name) for name in dimensions]
        statement = (
            select(*groups, *_measures())
            .select_from(_beside_the_answer())
            .where(*self._within, *(wanted or FeedbackFilter()).conditions())
            .group_by(*groups)
            .order_by(*groups)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(statement).all()
        return [_sum(dimensions, tuple(row)) for row in rows]


def _beside_the_answer() -> FromClause:
    """Feedback beside the entry of the attempt that answered, or of the cache.

    An entry that was reversed and replaced stands twice: the later one holds.
    """
    entry = ledger_entry.alias("answer")
    answered = (
        select(func.max(entry.c.id))
        .where(
            entry.c.request_id == feedback.c.request_id,
            entry.c.org == feedback.c.org,
            entry.c.kind.in_(_ANSWERS),
        )
        .correlate(feedback)
        .scalar_subquery()
    )
    return feedback.outerjoin(ledger_entry, ledger_entry.c.id == answered)


def _group(name: str) -> ColumnElement[Any]:
    try:
        dimension = FeedbackDimension(name)
    except ValueError:
        known = ", ".join(FeedbackDimension)
        msg = f"by: {name[:100]} is no dimension; known are {known}"
        raise InvalidRequest(msg, param="by") from None
    if dimension is FeedbackDimension.DAY:
        return (feedback.c.created_at_ns // _NS_PER_DAY).label("day")
    if dimension is FeedbackDimension.ORG:
        return feedback.c.org
    return func.coalesce(ledger_entry.c[dimension.value], "").label(dimension.value)


def _measures() -> list[ColumnElement[Any]]:
    said = feedback.c
    return [
        func.count(),
        func.count(said.request_id.distinct()),
        *[func.count(case((said.thumbs == one.value, 1))) for one in Thumbs],
        func.count(said.score),
        func.avg(said.score),
        *[func.count(case((said.outcome == one.value, 1))) for one in Outcome],
        func.count(said.correction),
    ]


def _sum(dimensions: Sequence[str], row: tuple[Any, ...]) -> FeedbackSum:
    group = tuple(
        day_text(value) if name == FeedbackDimension.DAY else str(value)
        for name, value in zip(dimensions, row, strict=False)
    )
    return FeedbackSum(group=group, **dict(zip(_MEASURES, row[len(dimensions) :], strict=True)))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

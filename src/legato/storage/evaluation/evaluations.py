"""Evaluations, and every answer that is recorded of them."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, Row, delete, insert, or_, select, tuple_, update

from legato.audit.event import Act, Subject
from legato.core.errors import NotFound
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.tables.evaluations import evaluation, evaluation_answer

OPEN: Final = ("waiting", "running")
_ROWS_PER_READ: Final = 2_000
_EVALUATIONS_PER_WRITE: Final = 5


class EvaluationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation; the fields are those of the table."""

    org: str
    id: str
    key_id: str
    author: str
    name: str
    status: str
    told: str = ""
    sealed: bytes
    answers: int
    done: int = 0
    failed: int = 0
    cost: int = 0
    cost_max: int | None
    round: int = 1
    created_at_ns: int
    ended_at_ns: int | None = None


class AnswerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded answer; the fields are those of the table but whose it is."""

    case_number: int
    subject: int
    repetition: int
    case_id: str
    weight: float
    request_id: str
    error: str
    cost: int | None
    scoring_cost: int | None
    latency_us: int
    scores: str
    scored: bool
    sealed: bytes
    """Empty once it was erased."""
    at_ns: int
    origin_request: str = ""
    origin_user: str = ""


_PLAIN: Final = tuple(name for name in AnswerRecord.__struct_fields__ if name != "sealed")


class EvaluationStore:
    """The evaluations of one tenant. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def create(self, record: EvaluationRecord) -> None:
        """Keep a new evaluation."""
        with writing(self._engine) as connection:
            connection.execute(insert(evaluation), msgspec.structs.asdict(record))
            subject, by = Subject("evaluation", record.id), {"by": record.author}
            recorded(connection, Act(self._org, "evaluation.create", subject, details={**by}))

    def get(self, evaluation_id: str) -> EvaluationRecord:
        """Return one evaluation. Raises NotFound."""
        wanted = select(evaluation).where(*self._own(evaluation_id))
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"There is no evaluation {evaluation_id[:64]!r}.", param="id")
        return _record(row)

    def page(self, count: int, before_id: str | None) -> list[EvaluationRecord]:
        """Return evaluations, newest first, that are older than the one of an id."""
        wanted = select(evaluation).where(evaluation.c.org == self._org)
        if before_id is not None:
            wanted = wanted.where(evaluation.c.id < before_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(evaluation.c.id.desc()).limit(count))
            return [_record(row) for row in rows]

    def change(self, evaluation_id: str, before: tuple[str, ...], **values: Any) -> bool:
        """Change an evaluation that is in one of the states `before`; return whether it was."""
        statement = update(evaluation).where(
            *self._own(evaluation_id), evaluation.c.status.in_(before)
        )
        with writing(self._engine) as connection:
            done = connection.execute(statement.values(values)).rowcount > 0
            if done:
                subject = Subject("evaluation", evaluation_id)
                status = {"status": values.get("status"), "fields": " ".join(sorted(values))}
                recorded(
                    connection, Act(self._org, "evaluation.change", subject, details={**status})
                )
            return done

    def record(self, evaluation_id: str, answer: AnswerRecord) -> None:
        """Keep an answer and count it; what is recorded stays.

        Of one to a case that was erased meanwhile only its figures are kept.
        """
        row = {"org": self._org, "evaluation_id": evaluation_id, **msgspec.structs.asdict(answer)}
        table = evaluation.c
        spent = (answer.cost or 0) + (answer.scoring_cost or 0)
        counted = {table.done: table.done + 1, table.cost: table.cost + spent}
        if answer.error:
            counted[table.failed] = table.failed + 1
        origin = Origin(answer.origin_request, answer.origin_user)
        with writing(self._engine) as connection:
            if locked_and_erased(connection, self._org, [origin]):
                row["sealed"] = b""
            kept = (
                upsert(connection, evaluation_answer)
                .values(row)
                .on_conflict_do_nothing()
                .returning(evaluation_answer.c.case_number)
            )
            if connection.execute(kept).first() is not None:
                own = self._own(evaluation_id)
                connection.execute(update(evaluation).where(*own).values(counted))

    def recorded(self, evaluation_id: str, first: int, end: int) -> set[tuple[int, int, int]]:
        """Return case, subject and repetition of what is recorded of some cases."""
        table = evaluation_answer.c
        wanted = select(table.case_number, table.subject, table.repetition).where(
            *self._own_answers(evaluation_id), table.case_number >= first, table.case_number < end
        )
        with reading(self._engine) as connection:
            return {(row[0], row[1], row[2]) for row in connection.execute(wanted)}

    def answers(self, evaluation_id: str) -> Iterator[dict[str, Any]]:
        """Yield what is plain of each recorded answer, in the order of cases."""
        table = evaluation_answer.c
        order = (table.case_number, table.subject, table.repetition)
        last = (-1, -1, -1)
        while True:
            wanted = select(*[table[name] for name in _PLAIN]).where(
                *self._own_answers(evaluation_id), tuple_(*order) > last
            )
            with reading(self._engine) as connection:
                found = connection.execute(wanted.order_by(*order).limit(_ROWS_PER_READ))
                rows = [dict(row) for row in found.mappings()]
            yield from rows
            if len(rows) < _ROWS_PER_READ:
                return
            last = (rows[-1]["case_number"], rows[-1]["subject"], rows[-1]["repetition"])

    def answers_page(
        self, evaluation_id: str, after: tuple[int, int, int], count: int, *, amiss: bool
    ) -> list[AnswerRecord]:
        """Return answers behind one, whole; `amiss` leaves only failed and unscored ones."""
        table = evaluation_answer.c
        order = (table.case_number, table.subject, table.repetition)
        wanted = select(*[table[name] for name in AnswerRecord.__struct_fields__]).where(
            *self._own_answers(evaluation_id), tuple_(*order) > after
        )
        if amiss:
            wanted = wanted.where(or_(table.error != "", table.scored.is_(False)))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(*order).limit(count)).all()
        return [AnswerRecord(**{**row._asdict(), "sealed": bytes(row.sealed)}) for row in rows]

    def _own(self, evaluation_id: str) -> tuple[Any, ...]:
        return (evaluation.c.org == self._org, evaluation.c.id == evaluation_id)

    def _own_answers(self, evaluation_id: str) -> tuple[Any, ...]:
        table = evaluation_answer.c
        return (table.org == self._org, table.evaluation_id == evaluation_id)


def open_evaluations(engine: Engine) -> list[tuple[str, str, int]]:
    """Return organisation, id and round of every evaluation that hasn't ended, oldest first.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table = evaluation.c
    wanted = select(table.org, table.id, table["round"]).where(table.status.in_(OPEN))
    with reading(engine) as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(wanted.order_by(table.id))]


def prune_evaluations(engine: Engine, before_ns: int) -> int:
    """Delete evaluations that ended before a time, with their answers, of all organisations.

    Goes in small transactions, since others' writes wait behind each.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table, answers = evaluation.c, evaluation_answer.c
    oldest = (
        select(table.org, table.id)
        .where(table.ended_at_ns < before_ns)
        .order_by(table.ended_at_ns)
        .limit(_EVALUATIONS_PER_WRITE)
    )
    total = 0
    while True:
        with writing(engine) as connection:
            found = connection.execute(oldest).all()
            for org, evaluation_id in found:
                connection.execute(
                    delete(evaluation_answer).where(
                        answers.org == org, answers.evaluation_id == evaluation_id
                    )
                )
                connection.execute(
                    delete(evaluation).where(table.org == org, table.id == evaluation_id)
                )
        total += len(found)
        if len(found) < _EVALUATIONS_PER_WRITE:
            return total


def _record(row: Row[Any]) -> EvaluationRecord:
    return EvaluationRecord(**{**row._asdict(), "sealed": bytes(row.sealed)})

"""What `legato judges` does."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
import msgspec

from legato.app.checks.instance import running_server
from legato.app.config.data_dir import DataDir
from legato.cli.evaluation.judge_views import agreement_page, preference_lines
from legato.cli.evaluation.review_desk import ReviewDesk, opened
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest, NotFound, OperatorError
from legato.core.ids import IdSource
from legato.core.money import NanoUSD, exact_usd
from legato.core.records import EntryKind
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_name, selector, shown
from legato.evaluation.gateway_calls import PURPOSE_HEADER, GatewayCaller, Target
from legato.evaluation.judges import Judgement, Spent, judged
from legato.insights.reviews import as_labels, read_subject
from legato.judging.asking import Subject
from legato.judging.judge import JudgeSpec, Way
from legato.judging.labels import Judged, Label, Record, measured
from legato.judging.pairs import PairJudgement
from legato.judging.preferences import preferences
from legato.judging.rubrics import RubricJudgement
from legato.registry.judges import read_judge
from legato.storage.evaluation.judge_records import JudgeRecord
from legato.storage.registry.records import VersionRecord

_AT_ONCE: Final = 8


def try_judge(*, version: str, asked: str, key: str, url: str | None, **options: Any) -> None:
    """Judge one answer."""
    texts = {name: options.pop(name) for name in ("answer", "context", "reference", "other")}
    with opened(**options) as desk:
        _, spec = _judge(desk, version)
    subject = Subject(input=asked, **texts)
    ((found, spent),) = _judged(spec, [subject], _target(options["data"], url, key))
    plain = msgspec.to_builtins(found)
    print_json({**plain, "cost_usd": _usd(spent), "request_ids": spent.request_ids})


def compare(
    *, version: str, pairs: Path, key: str, url: str | None, as_json: bool, **options: Any
) -> None:
    """Compare the answers of a file."""
    with opened(**options) as desk:
        _, spec = _judge(desk, version)
    if spec.way is not Way.PAIRWISE:
        raise InvalidRequest(f"{version} doesn't compare; name a pairwise judge", param="version")
    subjects = _subjects(pairs)
    found = _judged(spec, subjects, _target(options["data"], url, key))
    summed = preferences([one for one, _ in found if isinstance(one, PairJudgement)])
    if as_json:
        print_json(
            {**msgspec.to_builtins(summed), "cost_usd": _usd(*[spent for _, spent in found])}
        )
        return
    click.echo("\n".join(preference_lines(summed, _usd(*[spent for _, spent in found]))))


def calibrate(
    *,
    version: str,
    key: str,
    url: str | None,
    author: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure a judge against what people labelled, and keep what came of it."""
    with opened(**options) as desk:
        record, spec = _judge(desk, version)
        if spec.rubric is None:
            raise InvalidRequest(f"{version} has no rubric that people label by", param="version")
        subjects, labels = _labelled(desk, record.name.name, spec)
        found = _judged(spec, list(subjects.values()), _target(options["data"], url, key))
        given = [
            Judged(item, {each.name: each.level for each in one.criteria}, one.score)
            for item, (one, _) in zip(subjects, found, strict=True)
            if isinstance(one, RubricJudgement) and one.score is not None
        ]
        result = measured(spec.rubric, labels, given, unjudged=len(found) - len(given))
        _keep(desk, record, result, operator(author))
    cost = _usd(*[spent for _, spent in found])
    if as_json:
        print_json({**msgspec.to_builtins(result), "cost_usd": cost})
        return
    click.echo(f"{shown(record.name, record.digest)}, judged for ${cost}")
    agreement_page(result)


def show(*, version: str, as_json: bool, **options: Any) -> None:
    """Print the newest record of a version."""
    with opened(**options) as desk:
        record, _ = _judge(desk, version)
        kept = desk.judge_records.latest(record.name.name, record.digest)
    if kept is None:
        told = f"{shown(record.name, record.digest)} was never measured: `legato judges calibrate`"
        raise NotFound(told)
    result = msgspec.json.decode(kept.record, type=Record)
    if as_json:
        print_json(msgspec.to_builtins(result))
        return
    click.echo(shown(record.name, record.digest))
    agreement_page(result)


def _judge(desk: ReviewDesk, text: str) -> tuple[VersionRecord, JudgeSpec]:
    name, _, version = text.partition("@")
    wanted = ObjectName(Kind.JUDGE, checked_name(name)), selector(version or DEFAULT_LABEL)
    record = desk.registry.read.version(*wanted, desk.environment)
    return record, read_judge(desk.registry.content(record))


def _labelled(
    desk: ReviewDesk, judge: str, spec: JudgeSpec
) -> tuple[dict[str, Subject], list[Label]]:
    """Return what people labelled by the criteria that the judge has, and what they said."""
    names = {one.name for one in spec.rubric.criteria} if spec.rubric else set()
    subjects: dict[str, Subject] = {}
    labels: list[Label] = []
    for item, spoken in desk.reviews.labelled(judge):
        fitting = [one for one in as_labels(spoken) if set(one.levels) == names]
        if item.subject is not None and fitting:
            subjects[item.item.id] = item.subject
            labels += fitting
    if not subjects:
        raise InvalidRequest(
            f"nobody has labelled anything by these criteria in the queue of {judge}: "
            "`legato reviews import`",
            param="version",
        )
    return subjects, labels


def _keep(desk: ReviewDesk, record: VersionRecord, result: Record, author: str) -> None:
    clock = SystemClock()
    desk.judge_records.put(
        JudgeRecord(
            IdSource(clock).new(),
            record.name.name,
            record.digest,
            author,
            clock.now_ns(),
            msgspec.json.encode(result).decode(),
        )
    )


def _judged(
    spec: JudgeSpec, subjects: Sequence[Subject], target: Target
) -> list[tuple[Judgement, Spent]]:
    """Judge all of them, some at once."""

    async def work() -> list[tuple[Judgement, Spent]]:
        room = asyncio.Semaphore(_AT_ONCE)
        async with aiohttp.ClientSession() as session:
            caller = GatewayCaller(session, target, lambda: True)

            async def one(subject: Subject) -> tuple[Judgement, Spent]:
                async with room:
                    return await judged(spec, subject, caller)

            return await asyncio.gather(*map(one, subjects))

    return asyncio.run(work())


def _target(data: Path, url: str | None, key: str) -> Target:
    if url is None:
        server = running_server(DataDir(data))
        if server is None:
            raise OperatorError(f"nothing runs in {data}: start `legato up`, or give --url")
        url = server.url
    return Target(url.rstrip("/"), key, {PURPOSE_HEADER: EntryKind.JUDGE.value})


def _subjects(file: Path) -> list[Subject]:
    found = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if not line.strip():
            continue
        place = f"{file}: line {number}"
        try:
            plain = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"{place}: {error}", param="pairs") from None
        found.append(read_subject(plain, place))
    if not found:
        raise InvalidRequest(f"{file}: has no line", param="pairs")
    return found


def _usd(*spent: Spent) -> str:
    costs = [one.cost for one in spent]
    if None in costs:
        return "unknown"
    return exact_usd(NanoUSD(sum(cost for cost in costs if cost is not None)))

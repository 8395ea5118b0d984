"""What `legato reviews` does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.asked import asked
from legato.cli.evaluation.review_desk import ReviewDesk, opened
from legato.cli.evaluation.review_files import FileItem, FileLabel, read_items
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest
from legato.core.origin import NO_ORIGIN, Origin
from legato.evaluation.reviewing import (
    Choice,
    Filled,
    Queue,
    fill_from_captures,
    fill_from_evaluation,
)
from legato.insights.reviews import Reviews, Said, Shown, Spoken, Wish
from legato.judging.judge import Rubric
from legato.judging.labels import label_problems
from legato.storage.evaluation.reviews import Item
from legato.storage.kept.captures import CaptureFilter

_NARROWING: Final = ("failed", "disagreeing", "sample", "route", "since")
_COLUMNS: Final = ("id", "judge", "source", "labels", "added")


def list_reviews(
    *, judge: str | None, only_open: bool, count: int, as_json: bool, **options: Any
) -> None:
    """Print items, oldest first."""
    with opened(**options) as desk:
        items = desk.reviews.store.page(count, None, judge, only_open=only_open)
    if as_json:
        print_json([_head(one) for one in items])
        return
    print_table(_COLUMNS, [_line(one) for one in items])


def import_items(*, judge: str, file: Path, as_json: bool, **options: Any) -> None:
    """Add a file's answers, and say what was said of them."""
    with opened(**options) as desk:
        items = read_items(file, desk.rubric(judge))
        share = desk.terms.double_share
        wishes = [
            Wish(
                subject=one.subject,
                source="import",
                labels=max(1, len(one.labels)),
                origin=one.origin,
            )
            for one in items
        ]
        # what is labelled already wants nobody else
        plain = [one for one, item in zip(wishes, items, strict=True) if not item.labels]
        told = [one for one, item in zip(wishes, items, strict=True) if item.labels]
        desk.reviews.add(judge, plain, share)
        ids = desk.reviews.add(judge, told)
        labelled = [item for item in items if item.labels]
        labels = sum(_say(desk.reviews, *pair) for pair in zip(ids, labelled, strict=True))
    if as_json:
        print_json({"items": len(items), "labels": labels})
        return
    click.echo(f"{len(items)} answers added to the queue of {judge}, {labels} labels with them")


def add_items(
    *, judge: str, evaluation: str | None, captures: bool, as_json: bool, **options: Any
) -> None:
    """Add answers of an evaluation, or of captured traffic."""
    narrowed = {name: options.pop(name) for name in _NARROWING}
    if captures is (evaluation is not None):
        raise InvalidRequest("--evaluation: name one, or say --captures", param="evaluation")
    with opened(**options) as desk:
        desk.rubric(judge)
        queue = Queue(desk.reviews, judge, desk.terms.double_share)
        if evaluation is None:
            filled = _from_captures(desk, queue, narrowed)
        else:
            filled = _from_evaluation(desk, queue, evaluation, narrowed)
    if as_json:
        print_json({"ids": filled.ids, "left_out": filled.left_out})
        return
    for reason, count in filled.left_out.most_common():
        click.echo(f"{count} left out: {reason}", err=True)
    click.echo(f"{len(filled.ids)} answers added to the queue of {judge}")


def _from_evaluation(
    desk: ReviewDesk, queue: Queue, evaluation: str, narrowed: Mapping[str, Any]
) -> Filled:
    for name in ("route", "since"):
        if narrowed[name] is not None:
            raise InvalidRequest(f"--{name} narrows captures, not an evaluation", param=name)
    names = ("failed", "disagreeing", "sample")
    choice = Choice(**{name: narrowed[name] for name in names})
    return fill_from_evaluation(queue, desk.evaluations, evaluation, choice)


def _from_captures(desk: ReviewDesk, queue: Queue, narrowed: Mapping[str, Any]) -> Filled:
    if narrowed["failed"] or narrowed["disagreeing"]:
        raise InvalidRequest("--failed: captured traffic has no scores", param="failed")
    if narrowed["sample"] is None:
        raise InvalidRequest("--sample: say how many captured answers", param="sample")
    since = narrowed["since"]
    wanted = CaptureFilter(
        route=narrowed["route"],
        since_ns=None if since is None else since.before(SystemClock().now_ns()),
    )
    return fill_from_captures(queue, desk.captures, wanted, asked=asked, sample=narrowed["sample"])


def next_item(*, judge: str, by: str | None, as_json: bool, **options: Any) -> None:
    """Take the next item and print it."""
    with opened(**options) as desk:
        rubric = desk.rubric(judge)
        lease_s = desk.terms.lease_s
        found = desk.reviews.next(judge, operator(by), lease_s)
    if as_json:
        print_json(None if found is None else _plain(found, rubric))
    elif found is None:
        click.echo(f"nothing in the queue of {judge} wants a label of {operator(by)}")
    else:
        click.echo("\n".join(_page(found, rubric)))


def label(
    *,
    item_id: str,
    levels: tuple[str, ...],
    skip: bool,
    comment: str,
    correction: str,
    by: str | None,
    **options: Any,
) -> None:
    """Keep what somebody says of an item."""
    if skip == bool(levels):
        raise InvalidRequest("--level: give one for each criterion, or --skip", param="levels")
    with opened(**options) as desk:
        item = desk.reviews.store.get(item_id)
        said = Said(levels=None, comment=comment)
        if not skip:
            said = Said(
                levels=_levels(levels, desk.rubric(item.judge)),
                comment=comment,
                correction=correction,
            )
        desk.reviews.say(item_id, operator(by), said)
        after = desk.reviews.store.get(item_id)
    click.echo(f"{after.id}: {after.labels_given} of {after.labels_wanted} labels")


def export(*, judge: str, as_cases: bool, **options: Any) -> None:
    """Print what was labelled, one a line."""
    with opened(**options) as desk:
        for shown, spoken in desk.reviews.labelled(judge):
            for line in _cases(shown, spoken) if as_cases else _items(shown, spoken):
                click.echo(msgspec.json.encode(line))


def _say(reviews: Reviews, item_id: str, item: FileItem) -> int:
    for one in item.labels:
        reviews.say(item_id, one.by, one.said)
    return len(item.labels)


def _levels(texts: tuple[str, ...], rubric: Rubric) -> dict[str, int]:
    found = {}
    for text in texts:
        name, _, level = text.partition("=")
        if not level.lstrip("-").isdecimal():
            raise InvalidRequest(f"--level {text}: write CRITERION=LEVEL", param="levels")
        found[name] = int(level)
    if problem := label_problems(rubric, found):
        raise InvalidRequest(f"--level: {problem}", param="levels")
    return found


def _items(shown: Shown, spoken: list[Spoken]) -> list[Any]:
    if shown.subject is None:
        return []
    labels = [
        FileLabel(
            by=one.reviewer,
            levels=one.said.levels or {},
            comment=one.said.comment,
            correction=one.said.correction,
        )
        for one in spoken
    ]
    texts = msgspec.structs.asdict(shown.subject)
    texts.pop("other")
    return [FileItem(**texts, labels=labels, origin=_origin(shown))]


def _cases(shown: Shown, spoken: list[Spoken]) -> list[Any]:
    """Return a case where somebody wrote what the answer should have been."""
    corrections = [one.said.correction for one in spoken if one.said.correction]
    if shown.subject is None or not corrections:
        return []
    case = {
        "id": shown.item.id,
        "input": shown.subject.input,
        "expected": corrections[0],
    }
    if shown.subject.context:
        case["context"] = shown.subject.context
    origin = _origin(shown)
    return [case if origin == NO_ORIGIN else {**case, "origin": msgspec.to_builtins(origin)}]


def _origin(shown: Shown) -> Origin:
    return Origin(shown.item.origin_request, shown.item.origin_user)


def _head(item: Item) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.structs.asdict(item)
    del plain["sealed"]
    return plain


def _line(item: Item) -> list[str]:
    labels = f"{item.labels_given} of {item.labels_wanted}"
    return [item.id, item.judge, item.source, labels, time_text(item.created_at_ns)]


def _plain(shown: Shown, rubric: Rubric) -> dict[str, Any]:
    content = None if shown.subject is None else msgspec.to_builtins(shown.subject)
    return {"head": _head(shown.item), "content": content, "rubric": msgspec.to_builtins(rubric)}


def _inert(text: str) -> str:
    """Return a text without what a terminal would obey instead of showing it."""
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)


def _page(shown: Shown, rubric: Rubric) -> list[str]:
    lines = [f"item {shown.item.id}", ""]
    if shown.subject is None:
        lines += ["its content can't be decrypted any more: skip it", ""]
    else:
        texts = msgspec.structs.asdict(shown.subject)
        for name in ("input", "context", "reference", "answer"):
            if texts[name]:
                lines += [f"── {name}", _inert(texts[name]), ""]
    for criterion in rubric.criteria:
        lines.append(f"{criterion.name}: {criterion.question}")
        lines += [f"  {level.value}  {level.meaning}" for level in criterion.levels]
    wanted = " ".join(f"--level {one.name}=…" for one in rubric.criteria)
    return [*lines, "", f"legato reviews label {shown.item.id} {wanted}"]

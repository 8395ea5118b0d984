"""What `legato datasets collect` and `tune` do: from traffic to cases, from cases to training."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.asked import asked
from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.models.vaults import open_data_keys
from legato.cli.evaluation.dataset_actions import keep_cases, new_file, wanted_version
from legato.cli.registry_desk import Desk, opened, read_version
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest
from legato.core.registry import Kind, checked_name, shown
from legato.core.tenant import Tenant
from legato.evaluation.case_files import read_cases, read_shares
from legato.evaluation.collecting import Collection, Liked, Word
from legato.evaluation.datasets import check_manifest
from legato.evaluation.tuning.formats import FORMATS
from legato.evaluation.tuning.pairs import Render, Unfit, pair_of
from legato.insights.captures import Captures
from legato.insights.feedback import texts_of
from legato.registry.prompt import MODEL_PREFIX, compile_prompt, read_prompt
from legato.storage.evaluation.feedback_reading import FeedbackFilter
from legato.storage.kept.captures import CaptureFilter
from legato.vault.envelope import Envelopes

_WORDS_MAX = 1_000
"""Of one request."""


def collect(
    *,
    name: str,
    liked: Liked,
    narrowed: Mapping[str, Any],
    shares: Sequence[str],
    label: str,
    author: str | None,
    reason: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Keep captured requests with their answers as a version of a data set."""
    checked_name(name)
    instance = find_instance(options["data"], options["config_file"])
    with stored_data(instance) as stored:
        keys = Envelopes(open_data_keys(instance.loaded, instance.data, stored.data_keys()))
        stored.reads(options["org"], "capture.read", used_for="data set")
        captures = Captures(stored.captures(Tenant(options["org"])), keys)
        collection = Collection(asked, _words(stored, keys, options["org"]), liked)
        found = list(collection.cases(captures.all(_filter(narrowed))))
    _say_left_out(collection.left_out)
    if not found:
        raise InvalidRequest("no captured request is a case; see what `legato captures list` has")
    read = read_cases(enumerate(found, 1), read_shares(shares))
    with opened(**options) as desk:
        keep_cases(desk, name, read, desk.act(author, reason), label=label, as_json=as_json)


def tune(
    *,
    version: str,
    form: str,
    split: str | None,
    prompt: str | None,
    output: Path,
    **options: Any,
) -> None:
    """Write a version's cases as a training file."""
    left_out: Counter[str] = Counter()
    lines = 0
    with opened(**options) as desk:
        record = desk.registry.read.version(*wanted_version(version), desk.environment)
        manifest = check_manifest(desk.registry.content(record))
        desk.datasets.require(manifest)
        desk.reads("dataset.export", str(record.name))
        render = None if prompt is None else _render(desk, prompt)
        with new_file(output) as file:
            for case in desk.datasets.read(manifest.cases_digest):
                if split is not None and case.split != split:
                    continue
                if case.erased:
                    left_out["was erased"] += 1
                    continue
                try:
                    pair = pair_of(case, render)
                except Unfit as reason:
                    left_out[str(reason)] += 1
                except InvalidRequest as error:
                    raise InvalidRequest(f"case {case.id}: {error.message}") from None
                else:
                    file.write(msgspec.json.encode(FORMATS[form](pair)) + b"\n")
                    lines += 1
    _say_left_out(left_out)
    click.echo(f"{lines} cases of {shown(record.name, record.digest)} are in {output}.")


def _render(desk: Desk, text: str) -> Render:
    named, wanted = read_version(MODEL_PREFIX + text.removeprefix(MODEL_PREFIX))
    record = desk.registry.read.version(named, wanted, desk.environment)
    if named.kind is not Kind.PROMPT:
        raise InvalidRequest(f"{text} is no prompt", param="prompt")
    return compile_prompt(read_prompt(desk.registry.content(record)), named.name).render


def _filter(narrowed: Mapping[str, Any]) -> CaptureFilter:
    given = dict(narrowed)
    since, until, tags = given.pop("since"), given.pop("until"), given.pop("tags")
    now_ns = SystemClock().now_ns()
    return CaptureFilter(
        since_ns=since.before(now_ns) if since else None,
        until_ns=until.before(now_ns) if until else None,
        tags=_tags(tags),
        **given,
    )


def _tags(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if not all(name and equals for name, equals, _ in pairs):
        raise InvalidRequest("tag: write NAME=VALUE", param="tag")
    return {name: value for name, _, value in pairs}


def _words(stored: StoredData, keys: Envelopes, org: str) -> Callable[[str], Sequence[Word]]:
    reader = stored.feedback()

    def said(request_id: str) -> list[Word]:
        rows = reader.page(_WORDS_MAX, None, FeedbackFilter(request_id=request_id))
        return [
            Word(
                thumbs=row["thumbs"],
                outcome=row["outcome"],
                score=row["score"],
                correction=texts_of(row, keys).correction,
            )
            for row in reversed(rows)
            if row["org"] == org
        ]

    return said


def _say_left_out(left_out: Counter[str]) -> None:
    for reason, count in left_out.most_common():
        click.echo(f"{count} left out: {reason}", err=True)

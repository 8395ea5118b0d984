"""What `legato replay --candidate` does: asks a candidate for real what was captured."""

import time
from collections.abc import Iterator
from decimal import Decimal
from http.client import HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance, running_server
from legato.app.config.data_dir import DataDir
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.models.vaults import open_data_keys
from legato.cli.conformance.subject import CHAT, Answer, Subject
from legato.cli.governance.key_actions import digest_of
from legato.cli.options import print_json
from legato.cli.spans import Moment
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.decisions import FROM_CACHE
from legato.core.errors import InvalidRequest, OperatorError
from legato.core.tenant import Tenant
from legato.evaluation.intervals import t_quantile
from legato.insights.answers import NoText, answer_text
from legato.insights.captures import Capture, Captures
from legato.registry.prompt import MODEL_PREFIX
from legato.replay.side_by_side import Comparison, Difference, Pair, Told, compared
from legato.storage.kept.captures import CaptureFilter
from legato.vault.envelope import Envelopes

_OK: Final = 200
_SURFACE: Final = "chat_completions"
_NOT_CACHED: Final = MappingProxyType({"cache-control": "no-store"})
_NANO: Final = Decimal(1_000_000_000)
_COLUMNS: Final = ("", "original", "candidate", "difference", "95 % interval")


class Asked(NamedTuple):
    """Which candidate, for whom, and how much it may cost."""

    candidate: str
    key: str
    url: str | None
    org: str
    max_usd: Decimal
    limit: int
    since: Moment | None
    until: Moment | None


class Left(msgspec.Struct):
    """What became no pair."""

    skipped: int = 0
    failed: int = 0
    failure: str = ""
    """Why the first of those failed."""
    capped: bool = False


def side_by_side(data: Path, config_file: Path | None, asked: Asked, *, as_json: bool) -> int:
    """Print what the candidate makes of captured requests; return the exit status."""
    server = running_server(DataDir(data))
    url = asked.url or (None if server is None else server.url)
    if url is None:
        raise OperatorError(f"nothing runs in {data}: start `legato up`, or give --url")
    subject, left = Subject(url, asked.key, asked.candidate), Left()
    instance, now_ns = find_instance(data, config_file), SystemClock().now_ns()
    wanted = CaptureFilter(
        since_ns=asked.since.before(now_ns) if asked.since else None,
        until_ns=asked.until.before(now_ns) if asked.until else now_ns,
        surface=_SURFACE,
        http_status=_OK,
    )
    with stored_data(instance) as stored:
        _require_of(asked, instance, stored)
        stored.reads(asked.org, "capture.read", used_for="replay")
        envelopes = Envelopes(open_data_keys(instance.loaded, instance.data, stored.data_keys()))
        captured = Captures(stored.captures(Tenant(asked.org)), envelopes).all(wanted)
        pairs = list(_pairs(captured, subject, asked, left))
    if not pairs:
        raise InvalidRequest(
            f"no captured request could be asked again: {left.skipped} don't fit, "
            f"{left.failed} failed{_why(left)}; capture chat completions first, or name another "
            "span"
        )
    comparison = compared(pairs, t_quantile)
    if as_json:
        print_json({"comparison": comparison, **msgspec.structs.asdict(left)})
    else:
        _print(comparison, left)
    return int(left.failed > 0)


def _require_of(asked: Asked, instance: Instance, stored: StoredData) -> None:
    """Refuse a key of another organisation: it would be shown what isn't its own, and pay for it.

    A key that this instance doesn't know is another one's (--url), where nothing is known of it.

    Raises:
        InvalidRequest: naming both organisations.
    """
    digest = digest_of(instance, stored, asked.key)
    known = stored.keys().snapshot().by_digest.get(digest)
    if known is not None and known.org != asked.org:
        told = (
            f"--key: {known.name} is a key of {known.org}, and these requests are of {asked.org}: "
            f"give a key of {asked.org}, or --org {known.org}"
        )
        raise InvalidRequest(told, param="key")


def _pairs(
    captured: Iterator[Capture], subject: Subject, asked: Asked, left: Left
) -> Iterator[Pair]:
    """Ask one after the other until the money or the number is spent."""
    spent = Decimal(0)
    tried = 0
    for capture in captured:
        body = candidate_body(capture, asked.candidate)
        if body is None:
            left.skipped += 1
            continue
        if tried == asked.limit:
            return
        if spent >= asked.max_usd:
            left.capped = True
            return
        tried += 1
        told, cost_usd = _ask(subject, body)
        spent += cost_usd
        if isinstance(told, str):
            left.failed += 1
            left.failure = left.failure or told
            continue
        yield Pair(capture.head.request_id, original(capture), told)


def candidate_body(capture: Capture, candidate: str) -> dict[str, Any] | None:
    """Return what to send; None for what can't be compared.

    A prompt wants the variables a prompt was called with; a model what was rendered of them. What
    the cache answered cost nothing and took no time, so it compares with nothing.
    """
    head, content = capture.head, capture.content
    if head.cache in FROM_CACHE or not content.complete or not content.answer:
        return None
    if candidate.startswith(MODEL_PREFIX):
        if not head.model_requested.startswith(MODEL_PREFIX):
            return None
        body: dict[str, Any] = msgspec.json.decode(content.request)
    else:
        body = dict(capture.body)
    for name in ("stream", "stream_options"):
        body.pop(name, None)
    return {**body, "model": candidate}


def original(capture: Capture) -> Told:
    """Return the captured answer."""
    content = capture.content
    text = _text(content.answer, frames=content.frames)
    return Told(capture.head.cost, capture.head.total_us, text)


def _text(answer: bytes, *, frames: bool = False) -> str:
    """Return an answer's words: none of tool calls, or of a stream that broke off."""
    try:
        return answer_text(_SURFACE, answer, frames=frames)
    except NoText:
        return ""


def _ask(subject: Subject, body: dict[str, Any]) -> tuple[Told | str, Decimal]:
    """Ask; return the answer, or why there is none, and what it cost."""
    began = time.perf_counter()
    try:
        answer = subject.post(CHAT, body, _NOT_CACHED)
    except (OSError, HTTPException) as error:
        return f"the connection broke: {type(error).__name__}", Decimal(0)
    total_us = round((time.perf_counter() - began) * 1e6)
    told_cost = answer.headers.get("x-legato-cost-usd")
    cost_usd = Decimal(told_cost or 0)
    if answer.status != _OK:
        return _refusal(answer), cost_usd
    if told_cost is None:
        msg = "the candidate has no price, so what it costs can't be bounded: give it one"
        raise InvalidRequest(msg, param="candidate")
    return Told(int(cost_usd * _NANO), total_us, _text(answer.body)), cost_usd


def _refusal(answer: Answer) -> str:
    """Return what an answer says was wrong, in OpenAI's shape."""
    try:
        return str(msgspec.json.decode(answer.body)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"HTTP {answer.status}"


def _why(left: Left) -> str:
    return f" (the first: {left.failure})" if left.failure else ""


def _print(comparison: Comparison, left: Left) -> None:
    click.echo(f"{comparison.pairs} pairs, {comparison.equal} with the same answer")
    rows = [
        _row("cost, $ a request", comparison.cost, 6),
        _row("latency, ms", comparison.latency, 1),
        _row("length, characters", comparison.length, 1),
    ]
    print_table(_COLUMNS, rows, numbers=_COLUMNS[1:])
    if left.skipped:
        click.echo(f"{left.skipped} left out: from the cache, cut short, or no fit for a prompt")
    if left.failed:
        click.echo(f"{left.failed} failed at the candidate{_why(left)}")
    if left.capped:
        click.echo("stopped: --max-usd is spent")


def _row(name: str, one: Difference, digits: int) -> list[str]:
    interval = ""
    if one.low is not None and one.high is not None:
        interval = f"{one.low:+.{digits}f} to {one.high:+.{digits}f}"
    return [
        name,
        f"{one.original:.{digits}f}",
        f"{one.candidate:.{digits}f}",
        f"{one.mean:+.{digits}f}",
        interval,
    ]

"""What `legato captures` does."""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.app.models.vaults import open_data_keys
from legato.cli.options import print_json
from legato.cli.spans import Moment, time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import NotFound
from legato.core.tenant import Tenant
from legato.insights.captures import Captures
from legato.storage.kept.captures import CaptureFilter, KeptCapture
from legato.vault.envelope import Envelopes

_COLUMNS: Final = (
    "time", "request", "feature", "route", "deployment", "versions", "status", "bytes", "until",
)  # fmt: skip


def capture_filter(
    *, since: Moment | None, until: Moment | None, feature: str | None, route: str | None
) -> CaptureFilter:
    """Turn the options into a filter; spans count back from now."""
    now_ns = SystemClock().now_ns()
    return CaptureFilter(
        since_ns=since.before(now_ns) if since else None,
        until_ns=until.before(now_ns) if until else None,
        feature=feature,
        route=route,
    )


def list_captures(
    data: Path,
    config_file: Path | None,
    org: str,
    wanted: CaptureFilter,
    *,
    count: int,
    as_json: bool,
) -> None:
    """Print the newest, newest first."""
    with stored_data(find_instance(data, config_file)) as stored:
        kept = stored.captures(Tenant(org)).newest(count, None, wanted)
    if as_json:
        for one in kept:
            head = msgspec.structs.asdict(one.head)
            click.echo(msgspec.json.encode({**head, "content_bytes": one.content_bytes}))
        return
    print_table(_COLUMNS, [_line(one) for one in kept], numbers=("status", "bytes"))


def show_capture(data: Path, config_file: Path | None, org: str, request_id: str) -> None:
    """Print one. Raises NotFound."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        stored.reads(org, "capture.read", request_id)
        keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
        found = Captures(stored.captures(Tenant(org)), Envelopes(keys)).get(request_id)
    if found is None:
        raise NotFound(f"{request_id} is not captured in {org}, or not any more")
    shown: dict[str, Any] = msgspec.structs.asdict(found.head)
    content = found.content
    shown |= {"request": found.body, "complete": content.complete}
    if content.frames:
        shown["stream_events"] = content.answer.decode("utf-8", "replace")
    else:
        shown["answer"] = found.answer
    print_json(shown)


def _line(one: KeptCapture) -> list[str]:
    head = one.head
    return [
        time_text(head.at_ns),
        head.request_id,
        head.feature,
        head.route,
        head.deployment,
        head.versions,
        str(head.http_status),
        str(one.content_bytes),
        time_text(head.expires_at_ns),
    ]

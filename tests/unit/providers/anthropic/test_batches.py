"""Which batch is ours, where the vendor can't say: by time, size and the requests' own ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from legato.core.config import Provider as ProviderConfig
from legato.core.errors import BadProviderResponse, ProviderRejected
from legato.providers.anthropic import factory
from legato.providers.base import ProviderSettings
from legato.providers.batching import (
    Batcher,
    BatchReply,
    BatchState,
    BatchStatus,
    Search,
    Send,
    batcher_of,
)

NS = 1_000_000_000
SINCE_S = 1_800_000_000
SEARCH = Search("batch_1", 2, SINCE_S * NS, (SINCE_S + 100) * NS)


def batcher() -> Batcher:
    settings = ProviderSettings(
        ProviderConfig(name="a", kind="anthropic"), "https://vendor.example", "sk-ant-1"
    )
    found = batcher_of(factory(settings))
    assert found is not None
    return found


def batch(name: str, at_s: int = SINCE_S, *, count: int = 2, ended: bool = True) -> dict[str, Any]:
    return {
        "id": name,
        "processing_status": "ended" if ended else "in_progress",
        "created_at": datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z"),
        "request_counts": {"succeeded" if ended else "processing": count},
    }


def vendor(pages: dict[str, Any], asked: list[str]) -> Send:
    """Answer from pages by path; every page of a list is told apart by its query."""

    def send(call: Any) -> BatchReply:
        path = call.path.decode().removeprefix("/v1/messages/batches")
        asked.append(path)
        page = pages.get(path)
        if page is None:
            error = {"type": "not_found_error", "message": "none"}
            return BatchReply(404, [], json.dumps({"type": "error", "error": error}).encode())
        lines = page if isinstance(page, list) else [page]
        return BatchReply(200, [], b"\n".join(json.dumps(one).encode() for one in lines))

    return send


def results(mark: str) -> list[dict[str, Any]]:
    return [{"custom_id": f"{mark}-{n}", "result": {"type": "expired"}} for n in (1, 0)]


def listing(*batches: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"data": list(batches), "has_more": more}


def test_ours_is_known_by_its_requests() -> None:
    asked: list[str] = []
    pages = {
        "?limit=1000": listing(batch("theirs"), batch("ours"), batch("older")),
        "/theirs/results": results("batch_10"),
        "/ours/results": results("batch_1"),
    }
    assert batcher().find(vendor(pages, asked), SEARCH) == "ours"
    assert asked == ["?limit=1000", "/theirs/results", "/ours/results"]


def test_another_size_or_time_needs_no_look() -> None:
    late_s, early_s = SINCE_S + 701, SINCE_S - 601
    asked: list[str] = []
    pages = {
        "?limit=1000": listing(
            batch("later", late_s), batch("larger", count=3), batch("before", early_s), more=True
        )
    }
    assert batcher().find(vendor(pages, asked), SEARCH) == ""
    assert asked == ["?limit=1000"]  # beyond what is too old nothing is asked for


def test_what_runs_may_be_ours_until_it_ends() -> None:
    search = Search("batch_1", 2, SEARCH.since_ns, SEARCH.until_ns)
    asked: list[str] = []
    pages = {
        "?limit=1000": listing(batch("runs", ended=False), more=True),
        "?limit=1000&after_id=runs": listing(batch("theirs")),
        "/theirs/results": results("batch_2"),
    }
    assert batcher().find(vendor(pages, asked), search) is None
    pages["?limit=1000"] = listing(batch("runs"), more=True)
    pages["/runs/results"] = results("batch_3")
    asked.clear()
    assert batcher().find(vendor(pages, asked), search) == ""
    assert "/theirs/results" not in asked  # it was found out already


def test_results_that_can_not_be_had_say_nothing() -> None:
    pages = {"?limit=1000": listing(batch("ended"))}
    with pytest.raises(ProviderRejected):
        batcher().find(vendor(pages, []), SEARCH)


def test_an_answer_of_another_shape_is_told() -> None:
    with pytest.raises(BadProviderResponse):
        batcher().find(vendor({"?limit=1000": {"data": [{}]}}, []), SEARCH)


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({"succeeded": 2}, BatchStatus.COMPLETED),
        ({"succeeded": 1, "errored": 1}, BatchStatus.COMPLETED),
        ({"succeeded": 1, "canceled": 1}, BatchStatus.CANCELLED),
        ({"succeeded": 1, "expired": 1}, BatchStatus.EXPIRED),
    ],
)
def test_the_counts_tell_how_it_ended(counts: dict[str, int], status: BatchStatus) -> None:
    pages = {"/b": batch("b") | {"request_counts": counts}}
    assert batcher().look(vendor(pages, []), "b") == BatchState("b", status)


def test_an_error_has_the_status_a_call_would_have_had() -> None:
    kinds = {
        "invalid_request_error": 400,
        "overloaded_error": 529,
        "rate_limit_error": 429,
        "something_new": 500,
    }
    lines = [
        {
            "custom_id": f"batch_1-{number}",
            "result": {"type": "errored", "error": {"type": "error", "error": {"type": kind}}},
        }
        for number, kind in enumerate(kinds)
    ]
    state = BatchState("b", BatchStatus.COMPLETED)
    found = list(batcher().results(vendor({"/b/results": lines}, []), state))
    assert {one.name: one.status for one in found} == {
        str(number): status for number, status in enumerate(kinds.values())
    }

"""What a batch of Gemini's says of its requests, and which batch is ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.config import Provider as ProviderConfig
from legato.core.errors import BadProviderResponse, InvalidRequest, ProviderRejected
from legato.providers.base import ProviderSettings
from legato.providers.batching import (
    BatchCall,
    Batcher,
    BatchReply,
    BatchState,
    BatchStatus,
    Search,
    Send,
    batcher_of,
)
from legato.providers.gemini import factory

if TYPE_CHECKING:
    from collections.abc import Callable

SEARCH = Search("batch_1", 2, 0, 0)
NAME = "batches/b-1"


@pytest.fixture
def batcher() -> Batcher:
    settings = ProviderSettings(ProviderConfig(name="g", kind="gemini"), "", "AIza-1")
    found = batcher_of(factory(settings))
    assert found is not None
    return found


def answering(answer: Callable[[str], Any]) -> Send:
    def send(call: BatchCall) -> BatchReply:
        assert b"x-goog-api-key: AIza-1" in call.headers
        body = answer(call.path.decode())
        return BatchReply(404 if body is None else 200, [], json.dumps(body).encode())

    return send


def one(operation: dict[str, Any]) -> Send:
    return answering(lambda _path: {"name": NAME, **operation})


def test_ours_is_found_on_any_page_by_its_name(batcher: Batcher) -> None:
    def pages(path: str) -> Any:
        if "pageToken=next" in path:
            ours = {"name": NAME, "metadata": {"displayName": "batch_1"}}
            return {"operations": [ours]}
        strange = {"name": "batches/x", "metadata": {"displayName": "batch_10"}}
        return {"operations": [strange], "nextPageToken": "next"}

    assert batcher.find(answering(pages), SEARCH) == NAME
    assert batcher.find(answering(lambda _path: {}), SEARCH) == ""


def test_too_many_batches_are_not_taken_for_none(batcher: Batcher) -> None:
    endless = answering(lambda _path: {"operations": [], "nextPageToken": "next"})
    with pytest.raises(BadProviderResponse, match="too many"):
        batcher.find(endless, SEARCH)


@pytest.mark.parametrize("name", ["../../v1/x", "batches/", "batches/a/b", "operations/a"])
def test_a_name_that_would_make_another_path_is_none(batcher: Batcher, name: str) -> None:
    send = answering(lambda _path: {"name": name})
    with pytest.raises(BadProviderResponse, match="name"):
        batcher.submit(send, "batch_1", "/v1beta/models/m:batchGenerateContent", [b"{}"])


def test_a_model_that_would_make_another_path_is_refused(batcher: Batcher) -> None:
    place = batcher.place("/v1/chat/completions", "gemini-2.5-flash")
    assert place == "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    with pytest.raises(InvalidRequest):
        batcher.place("/v1/chat/completions", "../x")


def test_more_than_the_vendor_takes_inline_is_refused_unsent(batcher: Batcher) -> None:
    def send(_call: BatchCall) -> BatchReply:
        raise AssertionError

    with pytest.raises(ProviderRejected, match="20000000 bytes"):
        batcher.submit(send, "batch_1", "/x", [b"x" * 20_000_000])


@pytest.mark.parametrize(
    ("state", "counts", "status"),
    [
        ("BATCH_STATE_PENDING", (0, 0), BatchStatus.RUNNING),
        ("BATCH_STATE_RUNNING", (1, 0), BatchStatus.RUNNING),
        ("BATCH_STATE_OF_A_LATER_DAY", (0, 0), BatchStatus.RUNNING),
        ("BATCH_STATE_SUCCEEDED", (2, 2), BatchStatus.COMPLETED),
        ("JOB_STATE_SUCCEEDED", (2, 2), BatchStatus.COMPLETED),
        ("BATCH_STATE_FAILED", (0, 0), BatchStatus.FAILED),
        ("BATCH_STATE_CANCELLED", (1, 1), BatchStatus.CANCELLED),
        ("BATCH_STATE_EXPIRED", (0, 0), BatchStatus.EXPIRED),
        # what was executed may be charged: it must not pass for untouched
        ("BATCH_STATE_FAILED", (1, 0), BatchStatus.COMPLETED),
        ("BATCH_STATE_CANCELLED", (2, 1), BatchStatus.COMPLETED),
    ],
)
def test_how_a_batch_stands(
    batcher: Batcher, state: str, counts: tuple[int, int], status: BatchStatus
) -> None:
    executed, told = counts
    results = [{"response": {"candidates": []}, "metadata": {"key": "0"}}] * told
    metadata = {
        "state": state,
        "batchStats": {"successfulRequestCount": str(executed)},
        "output": {"inlinedResponses": {"inlinedResponses": results}},
    }
    assert batcher.look(one({"metadata": metadata}), NAME).status is status


def test_each_request_has_its_own_result_wherever_the_output_stands(batcher: Batcher) -> None:
    results = [
        {"response": {"candidates": [1]}, "metadata": {"key": "0"}},
        {"error": {"code": 8, "message": "Slow down."}, "metadata": {"key": "1"}},
        {"error": {"code": 404, "message": "No."}, "metadata": {"key": "2"}},
        {"metadata": {"key": "3"}},
    ]
    output = {"inlinedResponses": {"inlinedResponses": results}}
    state = BatchState(NAME, BatchStatus.COMPLETED)
    for operation in ({"metadata": {"output": output}}, {"response": output}):
        found = list(batcher.results(one(operation), state))
        assert [(each.name, each.status) for each in found] == [
            ("0", 200),
            ("1", 429),
            ("2", 404),
            ("3", 0),
        ]
        assert json.loads(found[0].body) == {"candidates": [1]}


def test_what_is_no_batch_is_said_so(batcher: Batcher) -> None:
    with pytest.raises(BadProviderResponse, match="Gemini's shape"):
        batcher.look(answering(lambda _path: []), NAME)

"""What a body of feedback may say, and how it is told what it may not."""

from typing import Any

import pytest

from legato.api.feedback import (
    COMMENT_CHARS_MAX,
    CORRECTION_BYTES_MAX,
    USER_CHARS_MAX,
    read_said,
)
from legato.core.errors import InvalidRequest
from legato.storage.runs.batches import BatchRecord
from legato.workflows.batches import PREFIX
from legato.workflows.native_books import request_id as native_line_id

REQUEST = "019a0000000070008000000000000001"


def said(**fields: Any) -> dict[str, Any]:
    return {"request_id": REQUEST, **fields}


def test_only_what_is_named_is_said_and_null_takes_back() -> None:
    body = said(thumbs="up", score=1, correction={"text": ["x"]}, comment=None, user="ann")
    read = read_said(body)
    assert (read.request_id, read.user) == (REQUEST, "ann")
    assert read.signals == {
        "thumbs": "up", "score": 1.0, "correction": {"text": ["x"]}, "comment": None,
    }  # fmt: skip


def test_a_response_is_named_by_its_own_id() -> None:
    assert read_said({"response_id": f"resp_{REQUEST}", "thumbs": "up"}).request_id == REQUEST
    for body, field in (
        ({"response_id": "chatcmpl-1"}, "response_id"),
        ({"response_id": "resp_1"}, "response_id"),
        ({"response_id": None}, "response_id"),
        ({"response_id": f"resp_{REQUEST}", "request_id": REQUEST}, "response_id"),
        ({}, "request_id"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            read_said({**body, "thumbs": "up"})
        assert refused.value.param == field


def test_the_header_names_the_user_where_the_body_does_not() -> None:
    assert read_said(said(thumbs="up"), b"bob").user == "bob"
    assert read_said(said(thumbs="up", user="ann"), b"bob").user == "ann"
    assert read_said(said(thumbs="up")).user == ""


def test_a_line_of_a_batch_is_named_as_its_results_name_it() -> None:
    batch = BatchRecord(
        "acme", PREFIX + REQUEST, "k1", "/v1/embeddings", "", "", "", "completed", 0, 0, b""
    )
    line = native_line_id(batch, 12)
    assert read_said({"request_id": line, "thumbs": "up"}).request_id == line


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"thumbs": "up"}, "request_id"),
        ({"thumbs": "up", "request_id": 7}, "request_id"),
        ({"thumbs": "up", "request_id": "chatcmpl-1"}, "request_id"),
        ({"thumbs": "up", "request_id": REQUEST.upper()[:-1] + "A"}, "request_id"),
        ({"thumbs": "up", "request_id": "0" * 32}, "request_id"),
        ({"thumbs": "up", "request_id": f"{REQUEST}-"}, "request_id"),
        ({"thumbs": "up", "request_id": f"{REQUEST}-1x"}, "request_id"),
        ({"thumbs": "up", "request_id": f"{REQUEST}-{'1' * 10}"}, "request_id"),
        (said(), None),
        (said(user="ann"), None),
        (said(thumbs="sideways"), "thumbs"),
        (said(thumbs=True), "thumbs"),
        (said(thumbs=["up"]), "thumbs"),
        (said(outcome="ACCEPTED"), "outcome"),
        (said(score=1.01), "score"),
        (said(score=-0.1), "score"),
        (said(score=True), "score"),
        (said(score="1"), "score"),
        (said(comment=""), "comment"),
        (said(comment="x" * (COMMENT_CHARS_MAX + 1)), "comment"),
        (said(comment={"text": "x"}), "comment"),
        (said(correction="x" * (CORRECTION_BYTES_MAX - 1)), "correction"),
        (said(thumbs="up", user="x" * (USER_CHARS_MAX + 1)), "user"),
        (said(thumbs="up", user=7), "user"),
        (said(thumbs="up", rating=5), "rating"),
        (said(thumbs="up", x=1), "x"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(body: dict[str, Any], param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_said(body)
    assert caught.value.param == param
    assert (param or "at least one of thumbs") in caught.value.message


def test_what_just_fits_is_taken() -> None:
    body = said(
        comment="x" * COMMENT_CHARS_MAX,
        correction="x" * (CORRECTION_BYTES_MAX - 2),
        user="x" * USER_CHARS_MAX,
        score=0,
    )
    assert len(read_said(body).signals) == 3

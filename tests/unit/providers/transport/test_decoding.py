import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.providers.transport import BadResponse, ResponseTooLarge
from legato.providers.transport.decoding import content_coding, decode_body


@given(st.binary(max_size=5000))
def test_every_form_comes_back(body: bytes) -> None:
    for coding, coded in (
        (b"gzip", gzip.compress(body)),
        (b"deflate", zlib.compress(body)),
        (b"deflate", zlib.compress(body, wbits=-15)),
    ):
        assert decode_body(coding, coded, len(body)) == body


def test_the_limit_is_exact() -> None:
    coded = gzip.compress(b"12345") + gzip.compress(b"67890")
    assert decode_body(b"gzip", coded, 10) == b"1234567890"
    with pytest.raises(ResponseTooLarge):
        decode_body(b"gzip", coded, 9)


def test_many_empty_members_are_refused() -> None:
    with pytest.raises(BadResponse):
        decode_body(b"gzip", gzip.compress(b"") * 100, 10)


@pytest.mark.parametrize(
    ("headers", "coding"),
    [
        ([], None),
        ([(b"content-encoding", b" GZip ")], b"gzip"),
        ([(b"content-encoding", b"identity"), (b"transfer-encoding", b"Chunked")], None),
    ],
)
def test_codings_are_found(headers: list[tuple[bytes, bytes]], coding: bytes | None) -> None:
    assert content_coding(headers) == coding


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-encoding", b"br")],
        [(b"content-encoding", b"gzip, gzip")],
        [(b"content-encoding", b"gzip"), (b"content-encoding", b"gzip")],
        [(b"transfer-encoding", b"gzip, chunked")],
    ],
)
def test_other_codings_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(BadResponse):
        content_coding(headers)

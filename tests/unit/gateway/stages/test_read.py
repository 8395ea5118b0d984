import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.gateway.stages.read import read_json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(st.text(), json_values, max_size=6), st.booleans())
def test_every_valid_object_is_read_as_it_is(body: dict[str, object], spaced: bool) -> None:  # noqa: FBT001
    separators = (" , ", "\n : ") if spaced else (",", ":")
    raw = json.dumps(body, separators=separators, ensure_ascii=spaced).encode("utf-8", "replace")
    assert read_json(raw) == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"a","model":"b"}',
        b'{"model" :"a", "model"\t: "b"}',
        b'{"a":{"x":1,"x":2}}',
        b'{"a":[{"x":1},{"x":1,"\\u0078":2}]}',
        b'{"text":"\\":","model":"a","model":"b"}',
    ],
)
def test_a_duplicate_key_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        read_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"text"',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":1',
        b'{"a":1}{"b":2}',
    ],
    ids=lambda raw: raw[:16].decode("latin-1"),
)
def test_broken_json_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_json(raw)


def test_text_that_looks_like_keys_is_left_alone() -> None:
    text = '{"a": 1, "a": 2}' * 50
    raw = json.dumps({"messages": [{"content": text}]}).encode()
    assert read_json(raw)["messages"][0]["content"] == text


def test_a_duplicate_behind_many_keys_is_found_in_no_time() -> None:
    many = ",".join(f'"k{number}":0' for number in range(50_000))
    began_s = process_time()
    with pytest.raises(InvalidRequest, match="'z' appears twice"):
        read_json(b'{%b,"z":1,"z":2}' % many.encode())
    assert process_time() - began_s < 2

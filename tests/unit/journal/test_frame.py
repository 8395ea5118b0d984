from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legato.journal.frame import (
    FRAME_OVERHEAD_BYTES,
    HEADER_BYTES,
    PAYLOAD_BYTES_MAX,
    decode_frame,
    decode_header,
    encode_frame,
    encode_header,
    is_unwritten,
    payload_bytes,
)

MARKER = 0xA1B2C3D4
markers = st.integers(1, 0xFFFF_FFFF)
payloads = st.binary(min_size=1, max_size=300)
offsets = st.integers(HEADER_BYTES, 1 << 24)


@given(payloads, markers, offsets)
def test_a_frame_comes_back_as_it_went(payload: bytes, marker: int, offset: int) -> None:
    frame = encode_frame(payload, marker, offset)
    assert payload_bytes(frame[:FRAME_OVERHEAD_BYTES], marker) == len(payload)
    assert decode_frame(frame, marker, offset) == payload


@given(payloads, offsets, st.data())
def test_no_changed_byte_goes_unseen(payload: bytes, offset: int, data: st.DataObject) -> None:
    frame = bytearray(encode_frame(payload, MARKER, offset))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    assert decode_frame(bytes(frame), MARKER, offset) is None


@given(payloads, offsets, offsets)
def test_a_frame_is_sound_at_its_own_place_only(payload: bytes, here: int, there: int) -> None:
    frame = encode_frame(payload, MARKER, here)
    assert (decode_frame(frame, MARKER, there) is not None) == (here == there)


def test_a_frame_of_another_segment_is_not_sound() -> None:
    frame = encode_frame(b"spend", MARKER, 16)
    assert payload_bytes(frame[:FRAME_OVERHEAD_BYTES], MARKER + 1) is None
    assert decode_frame(frame, MARKER + 1, 16) is None


def test_an_absurd_length_is_no_frame() -> None:
    mark = MARKER.to_bytes(4, "little")
    for length in (0, PAYLOAD_BYTES_MAX + 1, 0xFFFF_FFFF):
        assert payload_bytes(mark + length.to_bytes(4, "little") + bytes(4), MARKER) is None


def test_zeros_are_where_nothing_was_written() -> None:
    assert is_unwritten(bytes(FRAME_OVERHEAD_BYTES))
    assert is_unwritten(b"")
    assert not is_unwritten(encode_frame(b"x", MARKER, 16)[:FRAME_OVERHEAD_BYTES])


@given(markers, st.integers(0, HEADER_BYTES - 1), st.integers(1, 255))
def test_a_header_tells_its_marker_or_nothing(marker: int, place: int, flip: int) -> None:
    header = bytearray(encode_header(marker))
    assert decode_header(bytes(header)) == marker
    header[place] ^= flip
    assert decode_header(bytes(header)) is None
    assert decode_header(b"") is None

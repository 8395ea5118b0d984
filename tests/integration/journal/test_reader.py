from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from legato.journal.frame import FRAME_OVERHEAD_BYTES, HEADER_BYTES, encode_frame, encode_header
from legato.journal.reader import Batch, SegmentReader

MARKER = 0x5EED5EED
SEGMENT_BYTES = 4096

payload_lists = st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=20)


def segment(payloads: list[bytes]) -> tuple[bytearray, list[int]]:
    """A segment's bytes and where each frame begins, then where the last one ends."""
    image = bytearray(SEGMENT_BYTES)
    image[:HEADER_BYTES] = image[-HEADER_BYTES:] = encode_header(MARKER)
    bounds = [HEADER_BYTES]
    for payload in payloads:
        frame = encode_frame(payload, MARKER, bounds[-1])
        image[bounds[-1] : bounds[-1] + len(frame)] = frame
        bounds.append(bounds[-1] + len(frame))
    return image, bounds


def read(image: bytes, offset: int = 0, *, is_complete: bool = True) -> Batch:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(image)
        with SegmentReader(Path(file.name)) as reader:
            return reader.read(offset, is_complete=is_complete)


@given(payload_lists, st.data())
def test_reading_may_stop_and_go_on_anywhere(payloads: list[bytes], data: st.DataObject) -> None:
    image, bounds = segment(payloads)
    index = data.draw(st.integers(0, len(payloads)))
    batch = read(image, bounds[index])
    assert batch.payloads == payloads[index:]
    assert batch.offset == bounds[-1]
    assert batch.is_at_end
    assert batch.damages == []
    assert batch.torn_bytes == 0


@given(payload_lists, st.data())
def test_a_cut_loses_no_frame_before_it(payloads: list[bytes], data: st.DataObject) -> None:
    image, bounds = segment(payloads)
    length = data.draw(st.integers(HEADER_BYTES, SEGMENT_BYTES))
    whole = sum(end <= length for end in bounds[1:])
    for is_complete in (True, False):
        batch = read(image[:length], is_complete=is_complete)
        assert batch.payloads == payloads[:whole]
        assert batch.damages == []


@settings(max_examples=300)
@given(payload_lists, st.data())
def test_a_changed_byte_costs_at_most_its_own_frame(
    payloads: list[bytes], data: st.DataObject
) -> None:
    image, bounds = segment(payloads)
    place = data.draw(st.integers(0, SEGMENT_BYTES - 1))
    image[place] ^= data.draw(st.integers(1, 255))
    hit = [i for i in range(len(payloads)) if bounds[i] <= place < bounds[i + 1]]
    expected = [payload for i, payload in enumerate(payloads) if i not in hit]
    batch = read(image)
    assert batch.payloads == expected
    if hit and hit[0] < len(payloads) - 1:
        damage = batch.damages[0]
        assert (damage.offset, damage.skipped_bytes) == (
            bounds[hit[0]],
            bounds[hit[0] + 1] - bounds[hit[0]],
        )
    else:
        assert batch.damages == []


@settings(max_examples=300)
@given(payload_lists, st.lists(st.tuples(st.integers(HEADER_BYTES, 4000), st.binary(max_size=200))))
def test_any_garbage_yields_nothing_false(
    payloads: list[bytes], writes: list[tuple[int, bytes]]
) -> None:
    image, bounds = segment(payloads)
    sound = bytes(image)
    for offset, garbage in writes:
        image[offset : offset + len(garbage)] = garbage
    image = image[:SEGMENT_BYTES]
    batch = read(image)
    expected = [
        payload
        for payload, start, end in zip(payloads, bounds, bounds[1:], strict=False)
        if image[start:end] == sound[start:end]
    ]
    assert batch.payloads == expected


@given(payload_lists, st.data())
def test_a_torn_write_is_waited_for_and_in_the_end_cut_off(
    payloads: list[bytes], data: st.DataObject
) -> None:
    image, bounds = segment(payloads)
    cut = data.draw(st.integers(bounds[-2] + 1, bounds[-1] - 1))
    image[cut : bounds[-1]] = bytes(bounds[-1] - cut)
    live = read(image, is_complete=False)
    if live.payloads == payloads:  # what was cut off were zeros anyway
        return
    assert live.payloads == payloads[:-1]
    assert (live.offset, live.is_at_end, live.torn_bytes) == (bounds[-2], True, 0)
    dead = read(image)
    assert dead.payloads == payloads[:-1]
    assert dead.damages == []
    assert 0 < dead.torn_bytes <= cut - bounds[-2]


def test_a_zeroed_stretch_is_the_end_while_the_writer_lives_and_damage_after() -> None:
    image, bounds = segment([b"a" * 50, b"b" * 50, b"c" * 50])
    image[bounds[1] : bounds[2]] = bytes(bounds[2] - bounds[1])
    assert read(image, is_complete=False).payloads == [b"a" * 50]
    batch = read(image)
    assert batch.payloads == [b"a" * 50, b"c" * 50]
    assert batch.damages[0].skipped_bytes == bounds[2] - bounds[1]


def test_damage_in_a_live_segment_is_stepped_over_at_once() -> None:
    image, bounds = segment([b"a" * 50, b"b" * 50, b"c" * 50])
    image[bounds[1] + 20] ^= 1
    batch = read(image, is_complete=False)
    assert batch.payloads == [b"a" * 50, b"c" * 50]
    assert len(batch.damages) == 1


def test_frames_inside_a_payload_are_not_found() -> None:
    image, bounds = segment([b"a" * 50, b"b" * 200, b"c" * 50])
    place = bounds[1] + 40
    forged = encode_frame(b"forged", MARKER + 1, place)
    copied = encode_frame(b"copied", MARKER, 16)
    image[place : place + len(forged)] = forged
    image[place + 60 : place + 60 + len(copied)] = copied
    assert read(image).payloads == [b"a" * 50, b"c" * 50]


def test_one_lost_header_is_made_up_for_by_the_other() -> None:
    image, _ = segment([b"a", b"b"])
    image[:HEADER_BYTES] = bytes(HEADER_BYTES)
    assert read(image).payloads == [b"a", b"b"]


def test_both_headers_lost_is_damage_of_the_whole() -> None:
    image, bounds = segment([b"a", b"b"])
    image[:HEADER_BYTES] = image[-HEADER_BYTES:] = b"x" * HEADER_BYTES
    batch = read(image)
    assert batch.payloads == []
    assert [(damage.offset, damage.skipped_bytes) for damage in batch.damages] == [
        (0, SEGMENT_BYTES)
    ]
    assert read(image, is_complete=False).damages == []
    assert bounds[-1] < SEGMENT_BYTES


def test_a_file_without_content_is_an_empty_segment() -> None:
    for image in (b"", bytes(5), bytes(SEGMENT_BYTES)):
        batch = read(image)
        assert (batch.payloads, batch.damages, batch.is_at_end) == ([], [], True)


def test_a_batch_is_bounded_by_frames_and_by_bytes(tmp_path: Path) -> None:
    image, bounds = segment([b"x" * 100] * 20)
    path = tmp_path / "00000001.seg"
    path.write_bytes(image)
    with SegmentReader(path) as reader:
        batch = reader.read(0, is_complete=True, frames_max=3)
        assert (len(batch.payloads), batch.offset, batch.is_at_end) == (3, bounds[3], False)
        assert len(reader.read(0, is_complete=True, bytes_max=250).payloads) == 3
        offsets = [offset for offset, _ in reader.frames(is_complete=True)]
    assert offsets == bounds[:-1]


def test_frames_larger_than_the_window_and_across_it_are_read(tmp_path: Path) -> None:
    size = 4 << 20
    image = bytearray(size)
    image[:HEADER_BYTES] = encode_header(MARKER)
    position, bounds = HEADER_BYTES, []
    payloads = [bytes([n]) * (1 << 20 if n % 3 == 0 else 70_000) for n in range(1, 10)]
    for payload in payloads:
        frame = encode_frame(payload, MARKER, position)
        image[position : position + len(frame)] = frame
        bounds.append(position)
        position += len(frame)
    image[bounds[2] + FRAME_OVERHEAD_BYTES + 5] ^= 1
    path = tmp_path / "00000001.seg"
    path.write_bytes(image)
    with SegmentReader(path) as reader:
        found = [payload for _, payload in reader.frames(is_complete=True)]
    assert found == payloads[:2] + payloads[3:]

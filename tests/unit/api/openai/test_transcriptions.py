"""How long a recording lasts is what a call is held and charged for: it is never too little."""

import struct
import wave
from io import BytesIO

import pytest

from legato.api.openai.transcriptions import recording_ms
from legato.core.errors import InvalidRequest
from legato.core.wire import FormPart

RATE = 16_000


def wav(seconds: float, behind: bytes = b"") -> bytes:
    held = BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"\0\0" * int(RATE * seconds))
    return held.getvalue() + behind


def recording(value: bytes) -> FormPart:
    return FormPart("file", value, "a.wav", "audio/wav")


@pytest.mark.parametrize("behind", [b"", b"LIST" + struct.pack("<I", 26) + b"x" * 26])
def test_a_wav_says_by_itself_how_long_it_is(behind: bytes) -> None:
    assert recording_ms((recording(wav(2.5, behind)),)) == 2_500


def test_a_head_that_says_too_little_is_not_believed() -> None:
    long = bytearray(wav(60))
    for claimed in (0, 320):
        long[40:44] = struct.pack("<I", claimed)
        assert recording_ms((recording(bytes(long)),)) >= 60_000


def test_what_is_no_wav_may_last_as_long_as_the_least_codec_makes_it() -> None:
    assert recording_ms((FormPart("file", b"x" * 7_500, "a.mp3"),)) == 10_000


@pytest.mark.parametrize(
    "form",
    [
        (),
        (FormPart("file", b"text"),),
        (FormPart("other", b"x", "a.mp3"),),
        (recording(wav(0.001)), recording(wav(60))),
        (recording(wav(0.001)), FormPart("file[]", wav(60), "b.wav")),
    ],
)
def test_there_is_one_recording(form: tuple[FormPart, ...]) -> None:
    with pytest.raises(InvalidRequest, match="file"):
        recording_ms(form)

"""What is neither chat nor embeddings, by the official SDK: first at the vendor's shape alone, so
that it judges the server, then through Legato."""

from __future__ import annotations

import io
import sys
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import OpenAI
from running import CALLER, RunningLegato, within

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from openai_media import KEY, PIXEL, SOUND, TEXT, MediaServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1", api_key: {env: VENDOR_KEY}}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: VENDOR_KEY}}
deployments:
  - {name: instruct, provider: open, model: gpt-3.5-turbo-instruct, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: judge, provider: open, model: omni-moderation-latest, price: {input_per_mtok: "0"}}
  - {name: paint, provider: open, model: gpt-image-1, price: {input_per_mtok: "5", image_in_per_mtok: "10", output_per_mtok: "40"}}
  - {name: draw, provider: open, model: dall-e-3, price: {image_usd: "0.04"}}
  - {name: draw-unpriced, provider: open, model: dall-e-3, price: {input_per_mtok: "5", output_per_mtok: "40"}}
  - {name: say, provider: open, model: tts-1, price: {mchar_usd: "15"}}
  - {name: say-by-token, provider: open, model: gpt-4o-mini-tts, price: {input_per_mtok: "0.6", output_per_mtok: "12"}}
  - {name: whisper, provider: open, model: whisper-1, price: {audio_minute_usd: "0.006"}}
  - {name: write, provider: open, model: gpt-4o-transcribe, price: {input_per_mtok: "2.5", audio_in_per_mtok: "6", output_per_mtok: "10"}}
  - {name: claude, provider: other, model: c, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: poor, team: platform, feature: poor, secret: {env: POOR_KEY}, budget: {usd: "0.05"}}
"""  # noqa: E501 - one deployment a line
POOR = "lg-a-key-with-a-small-budget"


@pytest.fixture(scope="module")
def vendor() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture(scope="module")
def legato(
    vendor: MediaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    running = RunningLegato(
        tmp_path_factory.mktemp("media"),
        CONFIG.replace("UPSTREAM", vendor.url),
        variables={"VENDOR_KEY": KEY, "POOR_KEY": POOR},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


NAMES = {
    "gpt-3.5-turbo-instruct": "instruct", "omni-moderation-latest": "judge", "tts-1": "say",
    "gpt-image-1": "paint", "dall-e-3": "draw", "gpt-4o-mini-tts": "say-by-token",
    "whisper-1": "whisper", "gpt-4o-transcribe": "write",
}  # fmt: skip


class Asker:
    """A client of either side, which knows the models by the vendor's names."""

    def __init__(self, client: OpenAI, legato: RunningLegato | None) -> None:
        self.client, self.legato = client, legato
        self.before = 0
        if legato is not None:
            [row] = legato.query("select coalesce(max(id), 0) as id from ledger_entry")
            self.before = row["id"]

    def model(self, name: str) -> str:
        return name if self.legato is None else NAMES[name]

    def entered(self, deployment: str, count: int = 1) -> list[dict[str, Any]]:
        """The entries made since, newest first, once there are so many; none for the vendor."""
        legato = self.legato
        if legato is None:
            return []
        statement = "select * from ledger_entry where deployment = ? and id > ? order by id desc"

        def enough() -> list[dict[str, Any]] | None:
            found = legato.query(statement, deployment, self.before)
            return found if len(found) >= count else None

        rows: list[dict[str, Any]] | None = within(10, enough)
        assert rows, f"fewer than {count} entries of {deployment}"
        return rows


@pytest.fixture(params=["vendor", "legato"])
def asker(request: pytest.FixtureRequest, vendor: MediaServer) -> Iterator[Asker]:
    legato = request.getfixturevalue("legato") if request.param == "legato" else None
    base_url, key = (vendor.url, KEY) if legato is None else (legato.url, CALLER)
    with OpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0) as client:
        yield Asker(client, legato)


def recording(seconds: float = 2.0) -> io.BytesIO:
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\0\0" * int(8_000 * seconds))
    held.seek(0)
    held.name = 'a "quoted" name.wav'  # what needs escaping in a form
    return held


def costs(rows: list[dict[str, Any]]) -> list[int | None]:
    return [row["cost"] for row in rows]


def test_a_text_is_continued(asker: Asker) -> None:
    model = asker.model("gpt-3.5-turbo-instruct")
    done = asker.client.completions.create(model=model, prompt=["a", "b"], max_tokens=9)
    assert [choice.text for choice in done.choices] == [TEXT, TEXT]
    stream = asker.client.completions.create(model=model, prompt="a", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == TEXT.replace(" ", "")
    for row in asker.entered("instruct", 2)[:1]:
        assert (row["in_uncached"], row["out_text"], row["usage_source"]) == (5, 7, "provider")


def test_a_moderation_costs_nothing(asker: Asker) -> None:
    model = asker.model("omni-moderation-latest")
    verdict = asker.client.moderations.create(model=model, input="I hate it")
    assert verdict.results[0].flagged
    assert set(costs(asker.entered("judge"))) <= {0}


def test_images_are_made_and_charged_by_token_or_piece(asker: Asker) -> None:
    made = asker.client.images.generate(model=asker.model("gpt-image-1"), prompt="a fox")
    assert made.data is not None
    assert made.data[0].b64_json == PIXEL
    # 10 text at $5, 40 image at $10, 1,056 written at $40, per million
    assert set(costs(asker.entered("paint"))) <= {50_000 + 400_000 + 42_240_000}
    by_piece = asker.client.images.generate(model=asker.model("dall-e-3"), prompt="a fox", n=2)
    assert by_piece.data is not None
    assert len(by_piece.data) == 2
    for row in asker.entered("draw"):
        assert (row["units"], row["cost"], row["usage_source"]) == (2, 80_000_000, "provider")


def test_an_image_streams(asker: Asker) -> None:
    stream = asker.client.images.generate(
        model=asker.model("gpt-image-1"), prompt="a fox", stream=True, partial_images=1
    )
    assert [event.type for event in stream] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    for row in asker.entered("paint")[:1]:
        assert (row["image_out"], row["units"], row["usage_source"]) == (1_056, 1, "provider")


def test_an_image_is_edited(asker: Asker, vendor: MediaServer) -> None:
    picture = ("a.png", b"\x89PNG not really", "image/png")
    made = asker.client.images.edit(
        model=asker.model("gpt-image-1"), image=[picture, picture], prompt="a fox", n=1
    )
    assert made.data
    asked = vendor.asked[-1]
    assert asked.fields["model"] == "gpt-image-1"
    assert asked.fields["prompt"] == "a fox"
    assert asked.files["image[]"] == (*picture[:1], "image/png", picture[1])


def test_a_text_is_spoken_and_charged_by_its_characters(asker: Asker) -> None:
    with asker.client.audio.speech.with_streaming_response.create(
        model=asker.model("tts-1"), voice="alloy", input="Grüße!"
    ) as spoken:
        assert spoken.headers["content-type"] == "audio/mpeg"
        assert b"".join(spoken.iter_bytes()) == SOUND
    for row in asker.entered("say")[:1]:
        assert (row["units"], row["cost"], row["usage_source"]) == (6, 90_000, "estimated")


def test_speech_in_events_is_charged_by_its_tokens(asker: Asker) -> None:
    with asker.client.audio.speech.with_streaming_response.create(
        model=asker.model("gpt-4o-mini-tts"), voice="alloy", input="Hello", stream_format="sse"
    ) as spoken:
        assert b"speech.audio.done" in spoken.read()
    for row in asker.entered("say-by-token")[:1]:
        assert (row["in_uncached"], row["out_text"], row["usage_source"]) == (14, 101, "provider")


@pytest.mark.parametrize("form", ["json", "text", "srt", "verbose_json"])
def test_a_recording_is_written_down(asker: Asker, vendor: MediaServer, form: Any) -> None:
    done = asker.client.audio.transcriptions.create(
        model=asker.model("whisper-1"), file=recording(), response_format=form, language="en"
    )
    assert (done if isinstance(done, str) else done.text).strip() == TEXT
    name, content_type, sent = vendor.asked[-1].files["file"]
    assert sent == recording().getvalue()
    assert (name.replace("%22", '"'), content_type) == (recording().name, "audio/x-wav")
    wanted = {"json": (3_000, "provider"), "verbose_json": (2_500, "provider")}
    for row in asker.entered("whisper")[:1]:
        assert (row["units"], row["usage_source"]) == wanted.get(form, (2_000, "estimated"))
        assert row["cost"] == row["units"] * 100  # $0.006 a minute are 100 nano-dollars a ms


def test_a_transcription_streams_and_is_charged_by_its_tokens(asker: Asker) -> None:
    stream = asker.client.audio.transcriptions.create(
        model=asker.model("gpt-4o-transcribe"), file=recording(), stream=True
    )
    assert [event.type for event in stream] == ["transcript.text.delta", "transcript.text.done"]
    for row in asker.entered("write")[:1]:
        assert (row["in_uncached"], row["audio_in"], row["out_text"]) == (10, 24, 8)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # in the vendor's own SDK
def test_a_recording_is_translated(asker: Asker) -> None:
    done = asker.client.audio.translations.create(model=asker.model("whisper-1"), file=recording())
    assert done.text == TEXT


# ------------------------------------------------------------------ through Legato alone


@pytest.fixture
def client(legato: RunningLegato) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def test_units_without_a_price_are_unpriced(client: OpenAI, legato: RunningLegato) -> None:
    asker = Asker(client, legato)
    client.images.generate(model="draw-unpriced", prompt="a fox")
    [row] = asker.entered("draw-unpriced")
    assert row["cost"] is None


def test_a_budget_holds_what_is_asked_for(legato: RunningLegato, vendor: MediaServer) -> None:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=POOR, max_retries=0) as poor:
        before = len(vendor.asked)
        with pytest.raises(openai.RateLimitError, match="Budget"):
            poor.images.generate(model="draw", prompt="a fox", n=2)
        assert len(vendor.asked) == before
        poor.images.generate(model="draw", prompt="a fox")
        with pytest.raises(openai.APIStatusError, match="neither tokens nor image"):
            poor.images.generate(model="say", prompt="a fox")


def test_a_cut_sound_is_cut_for_the_caller_too(
    client: OpenAI, legato: RunningLegato, vendor: MediaServer
) -> None:
    asker = Asker(client, legato)
    vendor.cut_sound = True
    try:
        with (
            pytest.raises(Exception, match=r"peer closed|incomplete"),
            client.audio.speech.with_streaming_response.create(
                model="say", voice="alloy", input="cut"
            ) as spoken,
        ):
            spoken.read()
    finally:
        vendor.cut_sound = False
    [row] = asker.entered("say")
    assert (row["units"], row["usage_source"], row["kind"]) == (3, "partial", "retry")


def test_what_a_provider_has_not_is_refused_by_name(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="its provider has no images"):
        client.images.generate(model="claude", prompt="a fox")


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/audio/speech", {"model": "say", "voice": "alloy"}, "input"),
        ("/v1/images/generations", {"model": "draw", "prompt": "x", "n": 11}, "n"),
        ("/v1/completions", {"model": "instruct", "prompt": [1, "a"]}, "prompt"),
        ("/v1/moderations", {"model": "judge", "input": []}, "input"),
        ("/v1/audio/transcriptions", {"model": "whisper"}, "content-type"),
    ],
)
def test_a_bad_body_is_refused_by_its_field(
    legato: RunningLegato, path: str, body: dict[str, Any], param: str
) -> None:
    answer = legato.post(path, body)
    assert (answer.status, answer.error["param"]) == (400, param)


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ('--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n--b--\r\n', "file"),
        (
            (
                '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
                '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nother\r\n--b--\r\n'
            ),
            "model",
        ),
        ("--b\r\nno form", None),
    ],
)
def test_a_bad_form_is_refused(legato: RunningLegato, form: str, param: str | None) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = legato.post("/v1/audio/transcriptions", form.encode(), headers=headers)
    assert (answer.status, answer.error["param"]) == (400, param)

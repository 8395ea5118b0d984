"""OpenAI's endpoints beside chat: completions, moderations, images and sound.

Built from OpenAI's API reference (Completions, Moderations, Images, Audio) as of 2026-11-21, from
the documented shapes and not from a live answer. It refuses what the vendor would refuse: an
unknown model, a missing key, a form without its file, JSON where a form belongs.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

KEY = "sk-the-vendors-key"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5E"
SOUND = b"ID3" + bytes(range(256)) * 64
TEXT = "The quick brown fox."
MODELS = {
    "/v1/completions": {"gpt-3.5-turbo-instruct"},
    "/v1/moderations": {"omni-moderation-latest"},
    "/v1/images/generations": {"gpt-image-1", "dall-e-3"},
    "/v1/images/edits": {"gpt-image-1"},
    "/v1/audio/speech": {"tts-1", "gpt-4o-mini-tts"},
    "/v1/audio/transcriptions": {"whisper-1", "gpt-4o-transcribe"},
    "/v1/audio/translations": {"whisper-1"},
}
FORMS = {"/v1/images/edits", "/v1/audio/transcriptions", "/v1/audio/translations"}
IMAGE_USAGE = {
    "total_tokens": 1_106,
    "input_tokens": 50,
    "output_tokens": 1_056,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}
SOUND_USAGE = {
    "type": "tokens",
    "input_tokens": 34,
    "input_token_details": {"text_tokens": 10, "audio_tokens": 24},
    "output_tokens": 8,
    "total_tokens": 42,
}


@dataclass
class Asked:
    """A request as it came."""

    path: str
    fields: dict[str, Any]
    files: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)


class MediaServer:
    """Serves until the context ends; `asked` holds what came, oldest first."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.cut_sound = False
        book = self

        class Handler(_Handler):
            server_book = book

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Refused(Exception):
    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_book: MediaServer

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        try:
            asked = self._read(raw)
            self.server_book.asked.append(asked)
            self._answer(asked)
        except _Refused as refused:
            error = {
                "message": refused.message,
                "type": "invalid_request_error",
                "param": refused.param,
                "code": None,
            }
            self._json({"error": error}, refused.status)

    def _read(self, raw: bytes) -> Asked:
        if self.headers.get("authorization") != f"Bearer {KEY}":
            raise _Refused(401, "Incorrect API key provided.")
        if self.path not in MODELS:
            raise _Refused(404, f"Invalid URL (POST {self.path})")
        content_type = self.headers["content-type"]
        if self.path in FORMS:
            if not content_type.startswith("multipart/form-data; boundary="):
                raise _Refused(400, "Could not parse multipart form")
            asked = _form(self.path, content_type, raw)
        else:
            if content_type != "application/json":
                raise _Refused(400, f"Invalid Content-Type header ({content_type})")
            asked = Asked(self.path, json.loads(raw))
        if asked.fields.get("model") not in MODELS[self.path]:
            raise _Refused(404, "The model does not exist.", "model")
        return asked

    def _answer(self, asked: Asked) -> None:
        kind = asked.path.rsplit("/", 1)[-1]
        getattr(self, f"_{kind}")(asked)

    def _completions(self, asked: Asked) -> None:
        prompts = asked.fields["prompt"]
        count = len(prompts) if isinstance(prompts, list) else 1
        base = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "instruct-0914"}
        usage = {"prompt_tokens": 5 * count, "completion_tokens": 7 * count, "total_tokens": 12}
        if not asked.fields.get("stream"):
            choices = [
                {"index": n, "text": TEXT, "finish_reason": "stop", "logprobs": None}
                for n in range(count)
            ]
            self._json({**base, "choices": choices, "usage": usage})
            return
        events: list[Any] = [
            {**base, "choices": [{"index": 0, "text": word, "finish_reason": None}]}
            for word in TEXT.split(" ")
        ]
        events.append({**base, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
        if (asked.fields.get("stream_options") or {}).get("include_usage"):
            events.append({**base, "choices": [], "usage": usage})
        self._events([*events, "[DONE]"])

    def _moderations(self, asked: Asked) -> None:
        flagged = "hate" in json.dumps(asked.fields["input"])
        result = {
            "flagged": flagged,
            "categories": {"hate": flagged},
            "category_scores": {"hate": 0.9 if flagged else 0.0},
            "category_applied_input_types": {"hate": ["text"]},
        }
        self._json({"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [result]})

    def _generations(self, asked: Asked) -> None:
        count = int(asked.fields.get("n") or 1)
        if asked.fields["model"] == "dall-e-3":
            self._json({"created": 1, "data": [{"url": "https://images.invalid/1.png"}] * count})
        elif asked.fields.get("stream"):
            partial = {"type": "image_generation.partial_image", "partial_image_index": 0}
            done = {"type": "image_generation.completed", "usage": IMAGE_USAGE}
            events = [{**partial, "b64_json": PIXEL}, {**done, "b64_json": PIXEL}]
            self._events(events, named=True)
        else:
            data = [{"b64_json": PIXEL}] * count
            self._json({"created": 1, "data": data, "usage": IMAGE_USAGE})

    def _edits(self, asked: Asked) -> None:
        if not {"image", "image[]"} & asked.files.keys():
            raise _Refused(400, "Missing required parameter: 'image'.", "image")
        self._json({"created": 1, "data": [{"b64_json": PIXEL}], "usage": IMAGE_USAGE})

    def _speech(self, asked: Asked) -> None:
        if not asked.fields.get("voice"):
            raise _Refused(400, "Missing required parameter: 'voice'.", "voice")
        if asked.fields.get("stream_format") == "sse":
            usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
            delta = {"type": "speech.audio.delta", "audio": "SUQz"}
            self._events([delta, {"type": "speech.audio.done", "usage": usage}])
            return
        self.send_response(200)
        self.send_header("content-type", "audio/mpeg")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for start in range(0, len(SOUND), 4_096):
            self._chunk(SOUND[start : start + 4_096])
            if self.server_book.cut_sound:
                self.close_connection = True
                return
        self._chunk(b"")

    def _transcriptions(self, asked: Asked) -> None:
        self._written_down(asked)

    def _translations(self, asked: Asked) -> None:
        self._written_down(asked)

    def _written_down(self, asked: Asked) -> None:
        if "file" not in asked.files:
            raise _Refused(400, "Missing required parameter: 'file'.", "file")
        form = asked.fields.get("response_format", "json")
        if asked.fields.get("stream") == "true":
            delta = {"type": "transcript.text.delta", "delta": TEXT}
            self._events(
                [delta, {"type": "transcript.text.done", "text": TEXT, "usage": SOUND_USAGE}]
            )
        elif form in {"text", "srt", "vtt"}:
            self._send(TEXT.encode(), "text/plain; charset=utf-8")
        elif form == "verbose_json":
            self._json({"task": "transcribe", "duration": 2.5, "text": TEXT, "segments": []})
        elif asked.fields["model"] == "whisper-1":
            self._json({"text": TEXT, "usage": {"type": "duration", "seconds": 3}})
        else:
            self._json({"text": TEXT, "usage": SOUND_USAGE})

    # ------------------------------------------------------------------ writing

    def _json(self, body: Any, status: int = 200) -> None:
        self._send(json.dumps(body).encode(), "application/json", status)

    def _send(self, body: bytes, content_type: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _events(self, events: list[Any], *, named: bool = False) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            data = event if isinstance(event, str) else json.dumps(event)
            name = f"event: {event['type']}\n" if named else ""
            self._chunk(f"{name}data: {data}\n\n".encode())
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


def _form(path: str, content_type: str, raw: bytes) -> Asked:
    """Read a form by another parser than the gateway's."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    message = message_from_bytes(head + raw, policy=HTTP)
    if not message.is_multipart() or message.defects:
        raise _Refused(400, "Could not parse multipart form")
    asked = Asked(path, {})
    for part in message.iter_parts():
        disposition = part["content-disposition"].params
        name, filename = disposition["name"], disposition.get("filename")
        value = part.get_payload(decode=True)
        if filename is None:
            asked.fields[name] = value.decode()
        else:
            asked.files[name] = (filename, part.get_content_type(), value)
    return asked

"""Nothing slips past: every route the app itself names, without a key, with the wrong one, with
bodies that must not be taken. A new surface or page is under test the day it is added."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from composed import routes_of, statuses
from running import ADMIN, CALLER

if TYPE_CHECKING:
    from pathlib import Path

    from running import Answer, RunningLegato

NARROW = "lg-a-key-that-may-call-little"
VARIABLES = {"NARROW_KEY": NARROW}
BODY_BYTES_MAX = 65_536
CONFIG = f"""\
config_version: 1
server: {{host: HOST, body_bytes_max: {BODY_BYTES_MAX}}}
providers:
  - {{name: o, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
  - {{name: a, kind: anthropic, base_url: "UPSTREAM"}}
deployments:
  - {{name: small, provider: o, model: m, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: claude, provider: a, model: c, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
routes:
  - {{alias: chat, deployments: [small, claude]}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
  - {{name: narrow, team: x, feature: y, secret: {{env: NARROW_KEY}}, models: [claude]}}
""".replace("HOST", "127.0.0.1")
OPEN_PAGES = {"/healthz", "/readyz", "/metrics"}
"""Pages anyone may read. A page that isn't named here must ask for a key."""
FOR_BROWSERS = {"/", "/ui/"}
"""What they answer depends on who asks, and whether the console is built: test_console.py."""
ANTHROPIC = "/v1/messages"
# Valid at every surface: what one of them doesn't know passes through it.
BODY: dict[str, Any] = {
    "model": "chat",
    "messages": [{"role": "user", "content": "hi"}],
    "max_tokens": 9,
    "input": "hi",
    "prompt": "hi",
    "query": "hi",
    "documents": ["hi"],
}
FORMS = {"/v1/images/edits", "/v1/audio/transcriptions", "/v1/audio/translations"}
"""Surfaces whose bodies are forms; their own tests send broken ones."""
KEEPING = {
    "/v1/files",
    "/v1/batches",
    "/v1/batches/{id}/cancel",
    "/v1/messages/batches",
    "/v1/messages/batches/{id}/cancel",
    "/v1/feedback",
    "/v1/workflows/{id}/runs",
    "/v1/events",
    "/v1/hooks/{id}",
}
"""What is posted to these names no model; their own tests send broken bodies."""
TEXT = json.dumps(BODY)
STRANGERS = ["", "lg-nobody", "' OR 1=1--", "\xff\xfe", "Bearer", "*", "lg-" + "x" * 5_000]
NOT_TAKEN = {
    "a key twice": TEXT[:-1] + ', "model": "small"}',
    "a key twice, deep": TEXT.replace('"role": "user"', '"role": "user", "role": "system"'),
    "a key twice, escaped": TEXT[:-1] + ', "mod\\u0065l": "small"}',
    "not a number": TEXT[:-1] + ', "temperature": NaN}',
    "an endless integer": TEXT[:-1] + ', "seed": ' + "9" * 5_000 + "}",
    "a lone surrogate": TEXT.replace("hi", "\\ud800"),
    "a depth bomb": TEXT[:-1] + ', "metadata": ' + "[" * 30_000 + "]" * 30_000 + "}",
    "no object": "[]",
    "no JSON": "{",
    "nothing": "",
}
FORGED = {
    "host": "localhost",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-user": "admin",
    "x-real-ip": "127.0.0.1",
    "x-http-method-override": "GET",
}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    config = CONFIG.replace("UPSTREAM", "http://127.0.0.1:9")
    return routes_of(tmp_path_factory.mktemp("composed"), config, VARIABLES)


@pytest.fixture(scope="module")
def surfaces(routes: list[tuple[str, str]]) -> list[str]:
    paths = [path for method, path in routes if method == "POST" and path not in KEEPING]
    assert "/v1/chat/completions" in paths
    return paths


def shaped(path: str, answer: Answer, status: int) -> bool:
    """Whether it is the error asked for, in the shape this path's clients read."""
    if answer.status != status or "json" not in answer.headers["content-type"]:
        return False
    body = answer.json
    error = body["error"]
    if path.startswith(ANTHROPIC):
        fields = body.keys() == {"type", "error", "request_id"} and error.keys() == {
            "type",
            "message",
        }
        return bool(fields and body["type"] == "error" and error["message"])
    fields = body.keys() == {"error"} and error.keys() == {"message", "type", "param", "code"}
    return bool(fields and error["message"])


def ask(legato: RunningLegato, path: str, model: str, key: str) -> Answer:
    """Send a body that this surface takes."""
    if path not in FORMS:
        return legato.post(path, BODY | {"model": model}, key)
    parts = {'"model"': model, '"prompt"': "hi", '"file"; filename="a.mp3"': "sound"}
    form = "".join(
        f"--b\r\ncontent-disposition: form-data; name={name}\r\n\r\n{value}\r\n"
        for name, value in parts.items()
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    return legato.post(path, (form + "--b--\r\n").encode(), key, headers)


def test_the_table_holds_surfaces_and_pages_only(routes: list[tuple[str, str]]) -> None:
    assert {method for method, _ in routes} == {"POST", "GET", "DELETE"}
    assert len(set(routes)) == len(routes)
    assert {path for method, path in routes if method == "GET"} >= OPEN_PAGES


@pytest.mark.parametrize("key", STRANGERS)
def test_every_surface_asks_for_a_key(legato: RunningLegato, surfaces: list[str], key: str) -> None:
    for path in surfaces:
        for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}):
            answer = legato.send("POST", path, TEXT, headers)
            assert shaped(path, answer, 401), (path, answer)


def test_a_stranger_learns_nothing_from_forged_headers_or_his_body(
    legato: RunningLegato, surfaces: list[str]
) -> None:
    for path in surfaces:
        for body in ("{", "", TEXT, "x" * (BODY_BYTES_MAX + 1)):
            answer = legato.send("POST", path, body, FORGED)
            assert shaped(path, answer, 401), (path, answer)


def test_every_surface_keeps_a_key_to_its_models(
    legato: RunningLegato, surfaces: list[str]
) -> None:
    for path in surfaces:
        for model, status in (("chat", 403), ("small", 403), ("nothing-of-this-name", 404)):
            answer = ask(legato, path, model, NARROW)
            assert shaped(path, answer, status), (path, model, answer)


def test_every_surface_bounds_its_bodies(legato: RunningLegato, surfaces: list[str]) -> None:
    long = json.dumps(BODY | {"metadata": {"text": "x" * BODY_BYTES_MAX}}).encode()
    bomb = gzip.compress(TEXT[:-1].encode() + b" " * 50_000_000 + b"}")
    assert len(bomb) < BODY_BYTES_MAX
    for path in surfaces:
        plain = legato.post(path, long)
        assert shaped(path, plain, 413), (path, plain)
        packed = legato.post(path, bomb, headers={"content-encoding": "gzip"})
        assert shaped(path, packed, 413), (path, packed)
        bearer = {"authorization": f"Bearer {CALLER}", "transfer-encoding": "chunked"}
        pieces = b"".join(b"1000\r\n" + b"x" * 4096 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n"
        chunked = legato.send("POST", path, pieces, bearer)
        assert shaped(path, chunked, 413), (path, chunked)


@pytest.mark.parametrize("what", NOT_TAKEN)
def test_every_surface_reads_strictly(
    legato: RunningLegato, surfaces: list[str], what: str
) -> None:
    for path in surfaces:
        answer = legato.post(path, NOT_TAKEN[what].encode())
        assert shaped(path, answer, 400), (path, answer)


def test_no_other_method_or_spelling_reaches_a_surface(
    legato: RunningLegato, surfaces: list[str]
) -> None:
    bearer = {"authorization": f"Bearer {CALLER}"}
    for path in surfaces:
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            assert legato.send(method, path, None, bearer).status == 404, (method, path)
        spellings = (path + "/", "/" + path, path.upper(), path.replace("/v1", "/v1/./"))
        for spelling in (*spellings, path.replace("/v1/", "/v1%2f"), path + "%00", path + ";x"):
            answer = legato.send("POST", spelling, TEXT, {})
            assert answer.status in {400, 401, 404}, spelling


def test_only_the_named_pages_are_open(
    legato: RunningLegato, routes: list[tuple[str, str]]
) -> None:
    for method, path in routes:
        if method != "GET":
            continue
        wanted = 200 if path in OPEN_PAGES else 401
        if "{id}" in path or path in FOR_BROWSERS:
            continue
        assert legato.send("GET", path, None, {}).status == wanted, path
        assert legato.send("HEAD", path, None, {}).status == wanted, path
        assert legato.get(path).status == 200, path


def test_what_has_an_id_asks_for_a_key_and_knows_nothing_made_up(
    legato: RunningLegato, routes: list[tuple[str, str]]
) -> None:
    signed = {"/v1/hooks/{id}"}  # which asks for a signature, and doesn't tell what there is
    resources = [one for one in routes if "{id}" in one[1] and one[1] not in signed]
    assert ("DELETE", "/v1/responses/{id}") in resources
    for method, path in resources:
        for name in ("x", "resp_" + "0" * 32, "..", "%2e%2e", "x" * 5_000):
            asked = path.replace("{id}", name)
            assert legato.send(method, asked, None, {}).status == 401, asked
            bearer = {"authorization": f"Bearer {CALLER}"}
            assert legato.send(method, asked, None, bearer).status == 404, asked
        for name in ("", "a/b", "a/"):
            asked = path.replace("{id}", name)
            assert legato.send(method, asked, None, bearer).status == 404, asked


def test_beyond_loopback_the_metrics_ask_for_an_admin_key(tmp_path: Path) -> None:
    config = CONFIG.replace("127.0.0.1", "0.0.0.0").replace("UPSTREAM", "http://127.0.0.1:9")  # noqa: S104 - configured, never bound
    asked = [("/metrics", ""), ("/metrics", CALLER), ("/metrics", ADMIN)]
    asked += [("/healthz", ""), ("/readyz", ""), ("/v1/models", "")]
    assert list(statuses(tmp_path, config, VARIABLES, asked).values()) == [
        401, 403, 200, 200, 200, 401,
    ]  # fmt: skip

"""The console as a browser gets it: through a worker, from the process of the control API."""

from __future__ import annotations

import asyncio
import gzip
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from legato.api.console.serving import with_console
from legato.api.control.proxy import ControlProxy
from legato.api.http1.connection import Listener
from legato.api.http1.limits import ConnectionLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from legato.api.http1.exchange import Exchange

SCRIPT = b"export const answer = 42;\n" * 40
PAGE = (
    b'<!doctype html><meta property="csp-nonce" nonce="LEGATO_NONCE">'
    b'<script type="module" nonce="LEGATO_NONCE" src="./assets/main-abc.js"></script>'
    b'<link rel="icon" href="./favicon.svg">'
)
LIMITS = ConnectionLimits()


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def policy(self) -> dict[str, str]:
        parts = self.headers["content-security-policy"].split("; ")
        return {name: rest for name, _, rest in (one.partition(" ") for one in parts)}


def build(folder: Path, stamp: str = "one") -> None:
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "assets" / "main-abc.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "main-abc.js.br").write_bytes(b"as brotli")
    (folder / "assets" / "key.pem").write_bytes(b"no file of a console")
    (folder / "favicon.svg").write_bytes(b"<svg/>")
    (folder / "index.html").write_bytes(PAGE)
    (folder / "stamp").write_text(stamp + "\n")


async def other(exchange: Exchange) -> None:
    await exchange.reply(200, [(b"content-type", b"text/plain")], b"the control API")


@asynccontextmanager
async def served(folder: Path, socket: Path) -> AsyncIterator[int]:
    """Serve a folder's console through a worker's proxy; the port."""
    loop = asyncio.get_running_loop()
    inside, proxy = Listener(with_console(other, folder), LIMITS), ControlProxy(socket)
    outside = Listener(lambda exchange: proxy(exchange, "0" * 32), LIMITS)
    control = await loop.create_unix_server(inside, str(socket))
    worker = await loop.create_server(outside, "127.0.0.1", 0)
    try:
        yield worker.sockets[0].getsockname()[1]
    finally:
        worker.close()
        control.close()
        await outside.drain(0.2)
        await inside.drain(0.2)


async def ask(port: int, path: str, method: str = "GET", **headers: str) -> Got:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"{method} {path} HTTP/1.1", "host: h", "connection: close", *lines]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    said, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = said.decode().split("\r\n")
    named = dict(line.split(": ", 1) for line in rest)
    return Got(int(first.split()[1]), named, body)


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    build(tmp_path / "built")
    async with served(tmp_path / "built", tmp_path / "c.sock") as port:
        yield port


async def test_the_page_has_a_policy_of_its_own_and_a_nonce_for_once(port: int) -> None:
    first, second = await ask(port, "/ui/"), await ask(port, "/ui/")
    assert first.status == 200
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    policy = first.policy
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    nonces = [
        set(re.findall(rb'nonce="([^"]+)"', one.body)) | {_style_nonce(one)}
        for one in (first, second)
    ]
    assert [len(one) for one in nonces] == [1, 1]
    assert nonces[0] != nonces[1]
    assert b"LEGATO_NONCE" not in first.body


def _style_nonce(page: Got) -> bytes:
    found = re.search(r"'nonce-([^']+)'", page.policy["style-src"])
    assert found is not None
    return found[1].encode()


async def test_every_answer_is_kept_apart_from_other_sites(port: int) -> None:
    for path in ("/ui/", "/ui/assets/main-abc.js", "/ui/assets/none.js"):
        headers = (await ask(port, path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in headers["content-security-policy"]
    assert "camera=()" in (await ask(port, "/ui/")).headers["permissions-policy"]


@pytest.mark.parametrize(
    ("place", "script"),
    [
        ("/ui/", "./assets/main-abc.js"),
        ("/ui/requests", "./assets/main-abc.js"),
        ("/ui/requests/", "../assets/main-abc.js"),
        ("/ui/requests/0123/spans?tab=why", "../../assets/main-abc.js"),
        ("/ui/index.html", "./assets/main-abc.js"),
    ],
)
async def test_every_place_has_the_page_with_addresses_as_deep(
    port: int, place: str, script: str
) -> None:
    got = await ask(port, place)
    assert got.status == 200
    assert f'src="{script}"'.encode() in got.body
    assert f'href="{script.replace("assets/main-abc.js", "favicon.svg")}"'.encode() in got.body


async def test_files_are_kept_for_ever_and_packed_as_one_takes_them(port: int) -> None:
    path = "/ui/assets/main-abc.js"
    plain = await ask(port, path)
    assert (plain.status, plain.body) == (200, SCRIPT)
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == "accept-encoding"
    packed = await ask(port, path, accept_encoding="deflate, gzip;q=1.0")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == SCRIPT
    better = await ask(port, path, accept_encoding="gzip, deflate, br")
    assert (better.headers["content-encoding"], better.body) == ("br", b"as brotli")
    refused = await ask(port, path, accept_encoding="br;q=0, gzip;q=0")
    assert "content-encoding" not in refused.headers
    head = await ask(port, path, "HEAD")
    assert (head.status, head.body) == (200, b"")


async def test_what_has_no_hash_in_its_name_is_asked_for_again(port: int) -> None:
    first = await ask(port, "/ui/favicon.svg")
    assert first.headers["cache-control"] == "no-cache"
    again = await ask(port, "/ui/favicon.svg", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/ui/assets/gone-abc.js",
        "/ui/assets/key.pem",
        "/ui/assets/../../secret",
        "/ui/" + "a/" * 9,
    ],
)
async def test_what_is_no_file_of_the_build_is_not_there(port: int, path: str) -> None:
    assert (await ask(port, path)).status == 404


async def test_files_beside_the_build_are_out_of_reach(port: int, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a secret")
    for path in ("/ui/../secret.txt", "/ui/..%2fsecret.txt", "/ui/%2e%2e/secret.txt", "/ui//"):
        got = await ask(port, path)
        assert b"a secret" not in got.body, path
        assert got.status in {200, 404}, path


async def test_the_rest_is_answered_by_the_control_api(port: int) -> None:
    assert (await ask(port, "/uix")).body == b"the control API"
    moved = await ask(port, "/ui")
    assert (moved.status, moved.headers["location"]) == (307, "ui/")
    wrong = await ask(port, "/ui/", "POST")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD")


async def test_a_console_that_is_built_later_is_served(tmp_path: Path) -> None:
    async with served(tmp_path / "built", tmp_path / "c.sock") as port:
        missing = await ask(port, "/ui/")
        assert missing.status == 503
        assert b"make console" in missing.body
        assert missing.policy["script-src"] == "'self'"
        build(tmp_path / "built")
        assert (await ask(port, "/ui/")).status == 200
        (tmp_path / "built" / "index.html").write_bytes(b"another one")
        (tmp_path / "built" / "stamp").unlink()
        (tmp_path / "built" / "stamp").write_text("two\n")
        assert (await ask(port, "/ui/")).body == b"another one"

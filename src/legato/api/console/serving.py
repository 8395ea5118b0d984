"""Serves the console below `/ui/`: its page for every place in it, and the files that it loads."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import legato
from legato.api.console.assets import HASHED, INDEX, Asset, Build, Builds
from legato.api.console.headers import APART, NONCE_PLACE, PERMISSIONS, page_policy
from legato.api.places import CONSOLE, CONSOLE_PREFIX, is_console

if TYPE_CHECKING:
    from legato.api.http1.exchange import Exchange

Serve = Callable[["Exchange"], Awaitable[None]]
BUILT: Final = Path(legato.__file__).parent / "console"
"""Where `make console` and the wheel put it."""
_DEPTH_MAX: Final = 8
_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_ALWAYS_ASK: Final = (b"cache-control", b"no-cache")
_FOR_EVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
_BY_ENCODING: Final = (b"vary", b"accept-encoding")
_HERE: Final = b'="./'
"""How the built page begins the address of a file: relative, so any prefix may stand before it."""
_NOT_BUILT: Final = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Legato console: not built</title>
<h1>The console isn't built here</h1>
<p>This is a source tree without the built console. Build it with</p>
<pre>make console</pre>
<p>and load this page again; the server needn't be restarted. Packages of Legato bring it along.
The control API below <code>/api/</code> and all calls of models work without it.</p>
</html>
"""


def with_console(api: Serve, folder: Path = BUILT) -> Serve:
    """Serve the console where a path is its, and everything else by the API."""
    console = Console(folder)

    async def serve(exchange: "Exchange") -> None:
        await (console if is_console(exchange.path) else api)(exchange)

    return serve


class Console:
    """Answers what is asked below `/ui/`; without a key, as the files are everybody's."""

    def __init__(self, folder: Path) -> None:
        self._builds = Builds(folder)

    async def __call__(self, exchange: "Exchange") -> None:
        """Serve one request."""
        if exchange.method not in {b"GET", b"HEAD"}:
            await exchange.reply(405, [(b"allow", b"GET, HEAD"), _TEXT], b"This takes GET.\n")
            return
        if exchange.path == CONSOLE:
            await exchange.reply(307, [(b"location", b"ui/"), _ALWAYS_ASK, *APART], b"")
            return
        build = await asyncio.to_thread(self._builds.current)
        if build is None or INDEX not in build.assets:
            headers = [_HTML, page_policy(_nonce()), *APART, (b"retry-after", b"10")]
            await exchange.reply(503, headers, _NOT_BUILT)
            return
        name = exchange.path[len(CONSOLE_PREFIX) :]
        asset = build.assets.get(name)
        if asset is not None and name != INDEX:
            await _send(exchange, asset, build)
        elif _may_be_a_place(name):
            await _send_page(exchange, build, name.count("/"))
        else:
            await exchange.reply(404, [_TEXT, _ALWAYS_ASK, *APART], b"There is no such file.\n")


async def _send(exchange: "Exchange", asset: Asset, build: Build) -> None:
    encoding = asset.encoding_for((exchange.header(b"accept-encoding") or b"").decode("latin-1"))
    tag = f'"{build.stamp}{encoding and "-" + encoding}"'.encode("ascii")
    headers = [*APART, _BY_ENCODING, _FOR_EVER if asset.is_hashed else _ALWAYS_ASK]
    if not asset.is_hashed:
        headers.append((b"etag", tag))
        if exchange.header(b"if-none-match") == tag:
            await exchange.reply(304, headers, b"")
            return
    headers.append((b"content-type", asset.media_type.encode("ascii")))
    if encoding:
        headers.append((b"content-encoding", encoding.encode("ascii")))
    try:
        content = await asyncio.to_thread(asset.read, encoding)
    except OSError:  # another build has just taken its place
        await exchange.reply(404, [_TEXT, _ALWAYS_ASK, *APART], b"There is no such file.\n")
        return
    await exchange.reply(200, headers, content)


async def _send_page(exchange: "Exchange", build: Build, depth: int) -> None:
    """Send the page, its relative addresses as deep as the place that was asked for."""
    nonce = _nonce()
    page = await asyncio.to_thread(build.assets[INDEX].read)
    page = page.replace(NONCE_PLACE, nonce.encode("ascii"))
    if depth:
        page = page.replace(_HERE, b'="' + b"../" * depth)
    headers = [_HTML, _ALWAYS_ASK, page_policy(nonce), PERMISSIONS, *APART]
    await exchange.reply(200, headers, page)


def _may_be_a_place(name: str) -> bool:
    """Whether the page's own router may know it: a file that is gone must not be answered by it."""
    return not name.startswith(HASHED) and name.count("/") <= _DEPTH_MAX


def _nonce() -> str:
    return secrets.token_urlsafe(16)

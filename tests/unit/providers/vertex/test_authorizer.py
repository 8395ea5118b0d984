"""A token is fetched once for all who wait, and renewed ahead of its end."""

import asyncio
import threading

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import ProviderUnavailable
from legato.core.wire import WireRequest
from legato.providers.vertex.authorizer import TokenAuthorizer
from legato.providers.vertex.google_auth import Token

REQUEST = WireRequest(b"/p", b"a: b\r\n", b"{}")


class Source:
    """Hands out numbered tokens of one hour."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.fetched = 0
        self.fails = False
        self.free = threading.Event()
        self.free.set()

    def fetch(self) -> Token:
        self.free.wait(5)
        if self.fails:
            raise ProviderUnavailable("away")
        self.fetched += 1
        secret = f"token-{self.fetched}"
        ends_s = self.clock.now_ns() / 1e9 + 3600
        return Token({"authorization": f"Bearer {secret}"}, secret, ends_s)


@pytest.fixture
def source() -> Source:
    return Source(ManualClock())


async def sent(authorizer: TokenAuthorizer) -> bytes:
    return (await authorizer(REQUEST)).headers


async def test_all_who_wait_share_one_fetch(source: Source) -> None:
    authorizer = TokenAuthorizer(source.fetch, source.clock)
    source.free.clear()
    waiting = [asyncio.create_task(sent(authorizer)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    source.free.set()
    headers = await asyncio.gather(*waiting[1:])
    assert set(headers) == {b"a: b\r\nauthorization: Bearer token-1\r\n"}
    assert source.fetched == 1
    assert authorizer.secret == "token-1"


async def test_it_is_renewed_behind_the_calls(source: Source) -> None:
    authorizer = TokenAuthorizer(source.fetch, source.clock)
    await sent(authorizer)
    source.clock.advance(3600 - 200)
    assert b"token-1" in await sent(authorizer)
    for _ in range(100):
        if source.fetched == 2:
            break
        await asyncio.sleep(0.01)
    assert b"token-2" in await sent(authorizer)


async def test_a_failed_renewal_leaves_the_good_token(source: Source) -> None:
    authorizer = TokenAuthorizer(source.fetch, source.clock)
    await sent(authorizer)
    source.clock.advance(3600 - 200)
    source.fails = True
    assert b"token-1" in await sent(authorizer)
    await asyncio.sleep(0.05)
    assert b"token-1" in await sent(authorizer)
    source.clock.advance(200)
    with pytest.raises(ProviderUnavailable):
        await sent(authorizer)
    source.fails = False
    assert b"token-2" in await sent(authorizer)

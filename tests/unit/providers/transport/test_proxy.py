from __future__ import annotations

import pytest

from legato.providers.transport.proxy import Proxy


def test_credentials_are_unquoted_and_never_shown() -> None:
    proxy = Proxy.parse("http://team:pa%3Ass%40@proxy.example:3128/")
    assert (proxy.host, proxy.port, proxy.credentials) == (
        "proxy.example",
        3128,
        ("team", "pa:ss@"),
    )
    assert proxy.url == "http://proxy.example:3128"
    assert "pa" not in f"{proxy!r} {proxy}"


def test_no_credentials_no_header() -> None:
    assert Proxy.parse("http://[::1]").header_line == b""
    assert Proxy.parse("http://[::1]").authority == "[::1]:80"


@pytest.mark.parametrize(
    "url",
    [
        "https://u:secret@p",
        "socks5://u:secret@p",
        "http://u:secret@",
        "http://u:secret@p/path",
        "http://u:secret@p?x=1",
        "http://u:secret@p:port",
        "u:secret@p",
    ],
)
def test_what_is_no_proxy_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        Proxy.parse(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None

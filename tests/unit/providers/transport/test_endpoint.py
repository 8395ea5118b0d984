import pytest

from legato.providers.transport.endpoint import Endpoint, check_headers, check_path


@pytest.mark.parametrize(
    ("base_url", "host", "port", "authority", "base_path"),
    [
        ("http://127.0.0.1:9001/v1", "127.0.0.1", 9001, b"127.0.0.1:9001", b"/v1"),
        ("https://api.example/v1/", "api.example", 443, b"api.example", b"/v1"),
        ("http://API.example:80", "api.example", 80, b"api.example", b""),
        ("https://[::1]:8443/a/b", "::1", 8443, b"[::1]:8443", b"/a/b"),
        ("https://bücher.example", "xn--bcher-kva.example", 443, b"xn--bcher-kva.example", b""),
    ],
)
def test_a_base_url_is_taken_apart(  # noqa: PLR0917 - one column each
    base_url: str, host: str, port: int, authority: bytes, base_path: bytes
) -> None:
    endpoint = Endpoint.parse(base_url)
    assert (endpoint.host, endpoint.port) == (host, port)
    assert (endpoint.authority, endpoint.base_path) == (authority, base_path)
    assert endpoint.secure == base_url.startswith("https")


@pytest.mark.parametrize(
    "base_url",
    [
        "ftp://example",
        "example.com/v1",
        "http://",
        "http://user:word@example",
        "http://example/v1?key=1",
        "http://example/v1#x",
        "http://example/a b",
        "http://example:99999",
        "http://" + "a" * 64 + "ü.example",
    ],
)
def test_an_unusable_base_url_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.parse(base_url)


def test_a_refusal_does_not_quote_credentials() -> None:
    with pytest.raises(ValueError) as caught:
        Endpoint.parse("http://user:hunter2@example")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("path", [b"/", b"/v1/chat", b"/v1/m%20x:go?alt=sse&key=~"])
def test_quoted_paths_pass(path: bytes) -> None:
    check_path(path)


@pytest.mark.parametrize(
    "path", [b"", b"v1", b"/a b", b"/a\r\nx: y", b"/a#b", b"/\xc3\xa9", b"/\0"]
)
def test_paths_that_would_break_the_request_line_are_refused(path: bytes) -> None:
    with pytest.raises(ValueError):
        check_path(path)


@pytest.mark.parametrize("headers", [b"", b"a: 1\r\n", b"a: 1\r\nb: 2\r\n"])
def test_whole_header_lines_pass(headers: bytes) -> None:
    check_headers(headers)


@pytest.mark.parametrize(
    "headers", [b"a: 1", b"a: 1\n", b"\r\n", b"a: 1\r\n\r\nGET / HTTP/1.1\r\n"]
)
def test_headers_that_would_end_the_head_are_refused(headers: bytes) -> None:
    with pytest.raises(ValueError):
        check_headers(headers)

import pytest

from legato.providers.transport import open_transport


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="choose"):
        open_transport("http3", "http://127.0.0.1")  # type: ignore[arg-type]


def test_a_proxy_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must start with http://"):
        open_transport("http1", "http://127.0.0.1", proxy_url="https://127.0.0.1:3128")

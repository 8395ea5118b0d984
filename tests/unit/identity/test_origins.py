import pytest

from legato.core.errors import ForeignPage
from legato.identity.origins import is_own_place, own_origins, require_own_page

LOCAL = own_origins(None, "127.0.0.1", 8790)


def test_own_pages_are_of_the_address_configured_or_listened_at() -> None:
    assert own_origins("https://Legato.test", "127.0.0.1", 1) == {"https://legato.test"}
    assert {"http://127.0.0.1:8790", "http://localhost:8790", "http://[::1]:8790"} == LOCAL
    assert own_origins(None, "10.0.0.1", 443, "https") == {"https://10.0.0.1:443"}


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("null", None),
        ("https://evil.test", None),
        ("http://localhost:8791", None),
        ("https://localhost:8790", None),
        (None, "cross-site"),
        ("http://localhost:8790", "same-site"),
    ],
)
def test_a_foreign_page_is_refused(origin: str | None, site: str | None) -> None:
    with pytest.raises(ForeignPage):
        require_own_page(origin, site, LOCAL)


def test_own_pages_and_programs_pass() -> None:
    require_own_page("http://localhost:8790", "same-origin", LOCAL)
    require_own_page(None, "none", LOCAL)
    require_own_page(None, None, LOCAL)


@pytest.mark.parametrize("text", ["/", "/ui/", "/ui/requests?range=7d&team=a", "/a/b.c/d~"])
def test_a_place_on_this_server(text: str) -> None:
    assert is_own_place(text)


@pytest.mark.parametrize(
    "text", ["", "ui", "//evil", "/.", "/..;/", "/a@b", "/%2e", "/a//b", "/#x", "/a\\b", "/a b"]
)
def test_no_place_on_this_server(text: str) -> None:
    assert not is_own_place(text)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.core.registry import (
    Kind,
    ObjectName,
    Selector,
    checked_name,
    digest_of,
    is_digest,
    selector,
    shown,
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), _JSON, max_size=5))
def test_a_digest_is_of_content_not_of_its_order(spec: dict[str, object]) -> None:
    turned = dict(reversed(list(spec.items())))
    assert digest_of(Kind.PROMPT, spec) == digest_of(Kind.PROMPT, turned)
    assert is_digest(digest_of(Kind.PROMPT, spec))


def test_other_content_is_another_version() -> None:
    assert digest_of(Kind.PROMPT, {"a": 1}) != digest_of(Kind.PROMPT, {"a": 2})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("production", Selector(label="production")),
        ("v2.1-beta", Selector(label="v2.1-beta")),
        ("7", Selector(number=7)),
        ("3fa9c1d2e4b5", Selector(digest_prefix="3fa9c1d2e4b5")),
        ("12345678", Selector(digest_prefix="12345678")),
        ("a" * 64, Selector(digest_prefix="a" * 64)),
    ],
)
def test_what_stands_behind_the_at(text: str, meant: Selector) -> None:
    assert selector(text) == meant
    assert selector(str(meant)) == meant


@pytest.mark.parametrize("text", ["", "0", "-1", "über", "a b", "x" * 65, "٣"])
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="label"):
        selector(text)


def test_a_label_can_not_look_like_a_digest() -> None:
    assert selector("deadbeef") == Selector(digest_prefix="deadbeef")


@pytest.mark.parametrize("text", ["", ".hidden", "a/b", "a@b", "x" * 129, "a b"])
def test_names_are_plain(text: str) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        checked_name(text)


def test_how_a_version_is_shown() -> None:
    name = ObjectName(Kind.PROMPT, "greeting")
    assert shown(name, "3fa9c1d2e4b5" + "0" * 52) == "prompt/greeting@3fa9c1d2e4b5"

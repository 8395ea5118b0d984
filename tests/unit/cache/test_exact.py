import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.cache.exact import Places, cache_key


def test_the_newest_places_are_known_and_the_number_is_bounded() -> None:
    places = Places(entries_max=10)
    keys = [n.to_bytes(16, "little") for n in range(100)]
    for n, key in enumerate(keys):
        places.add(key, n)
    known = [n for n, key in enumerate(keys) if places.find(key) is not None]
    assert known[-5:] == [95, 96, 97, 98, 99]
    assert len(known) <= 10


def test_a_stale_place_is_forgotten() -> None:
    places = Places(entries_max=10)
    places.add(b"k" * 16, 1)
    places.forget(b"k" * 16)
    assert places.find(b"k" * 16) is None


BODY = {"model": "chat", "messages": [{"role": "user", "content": "hi"}], "temperature": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"messages": [{"role": "user", "content": "hi "}]},
        {"temperature": 1},
        {"seed": 1},
        {"stream": True},
        {"unknown_field": 1},
    ],
)
def test_everything_that_can_change_the_answer_changes_the_key(change: dict[str, object]) -> None:
    key = cache_key(b"org\0team\0route", "chat_completions", BODY)
    assert cache_key(b"org\0team\0route", "chat_completions", {**BODY, **change}) != key


def test_another_tenant_or_surface_has_other_keys() -> None:
    key = cache_key(b"org\0team\0route", "chat_completions", BODY)
    assert cache_key(b"org\0other\0route", "chat_completions", BODY) != key
    assert cache_key(b"org\0team\0route", "messages", BODY) != key


@given(st.permutations(list(BODY)), st.text(), st.dictionaries(st.text(), st.text()))
def test_order_and_who_asks_do_not_change_the_key(
    order: list[str], user: str, metadata: dict[str, str]
) -> None:
    same = {name: BODY[name] for name in order} | {"user": user, "metadata": metadata}
    assert cache_key(b"s", "chat_completions", same) == cache_key(b"s", "chat_completions", BODY)

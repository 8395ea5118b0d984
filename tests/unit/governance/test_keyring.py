from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import StorageUnavailable, Unauthenticated
from legato.core.principal import Principal
from legato.governance.keyring import Keyring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Keys(NamedTuple):
    version: int
    by_digest: Mapping[bytes, Principal]


class Store:
    """Keys in memory, told apart by the secret itself."""

    def __init__(self) -> None:
        self.keys: dict[bytes, Principal] = {}
        self.is_away = False
        self.questions = 0

    def add(self, secret: bytes) -> None:
        self.keys[secret] = Principal(
            key_id=secret.decode(), name="k", org="o", team="t", feature="f"
        )

    def version(self) -> int:
        self.questions += 1
        if self.is_away:
            raise StorageUnavailable("away")
        return len(self.keys)

    def snapshot(self) -> Keys:
        return Keys(len(self.keys), dict(self.keys))


async def in_thread(work: Callable[[], Any]) -> Any:
    await asyncio.sleep(0)
    return work()


def loaded(store: Store) -> Keyring:
    keyring = Keyring(store, lambda secret: secret, ManualClock(), in_thread)
    keyring.load()
    return keyring


async def test_a_key_is_known_the_moment_it_exists() -> None:
    store = Store()
    keyring = loaded(store)
    store.add(b"new")
    assert (await keyring.identify(b"new")).key_id == "new"


async def test_many_unknown_secrets_at_once_are_one_question() -> None:
    store = Store()
    keyring = loaded(store)
    before = store.questions
    answers = await asyncio.gather(
        *(keyring.identify(b"%d" % number) for number in range(50)), return_exceptions=True
    )
    assert all(isinstance(answer, Unauthenticated) for answer in answers)
    assert store.questions - before <= 2


async def test_a_key_made_while_others_are_looked_for_is_found() -> None:
    store = Store()
    keyring = loaded(store)
    guess = asyncio.create_task(keyring.identify(b"guess"))
    await asyncio.sleep(0)
    store.add(b"new")
    assert (await keyring.identify(b"new")).key_id == "new"
    with pytest.raises(Unauthenticated):
        await guess


async def test_known_keys_go_on_and_others_are_refused_while_the_database_is_away() -> None:
    store = Store()
    store.add(b"old")
    keyring = loaded(store)
    store.is_away = True
    assert (await keyring.identify(b"old")).key_id == "old"
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await keyring.identify(b"other")
    assert store.questions == 2  # the first load, and one that told that it is away


async def test_our_own_processes_act_for_a_key_with_tags_besides() -> None:
    store = Store()
    store.add(b"key")
    keyring = Keyring(
        store,
        lambda secret: secret,
        ManualClock(),
        in_thread,
        acting_key=lambda secret: ("key", {"evaluation": "r"}) if secret == b"ours" else None,
    )
    keyring.load()
    acting, own = keyring.authenticate(b"ours"), keyring.authenticate(b"key")
    assert (acting.key_id, acting.tags, acting.live) == ("key", {"evaluation": "r"}, False)
    assert (own.tags, own.live) == ({}, True)
    with pytest.raises(Unauthenticated):
        keyring.authenticate(b"theirs")


async def test_without_a_secret_nothing_is_asked() -> None:
    store = Store()
    keyring = loaded(store)
    with pytest.raises(Unauthenticated):
        await keyring.identify(None)
    assert store.questions == 1


async def test_a_defect_does_not_end_the_watch_for_revoked_keys(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("legato.governance.keyring.POLL_S", 0)
    store = Store()
    store.add(b"old")
    keyring = loaded(store)
    broken = store.version

    def version() -> int:
        store.questions += 1
        raise ValueError("a row that can't be read")

    monkeypatch.setattr(store, "version", version)
    following = asyncio.ensure_future(keyring.follow())
    async with asyncio.timeout(5):
        while store.questions < 3:
            await asyncio.sleep(0)
        assert "ValueError" in caplog.text
        monkeypatch.setattr(store, "version", broken)
        store.keys.clear()
        while True:
            try:
                keyring.authenticate(b"old")
            except Unauthenticated:
                break
            await asyncio.sleep(0)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following

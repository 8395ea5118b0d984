from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Legato
    from server import Server

FOLLOWED_S = 2.0


def created(legato: Legato, data: Path | str, *more: str) -> dict[str, str]:
    arguments = ("--team", "red", "--feature", "search", "--json", "--data", data)
    done = legato("keys", "create", *arguments, *more)
    assert done.returncode == 0, done.stderr
    key: dict[str, str] = json.loads(done.stdout)
    assert set(key) == {"id", "secret"}
    return key


def status_within(server: Server, key: str, wanted: int) -> bool:
    until_s = time.monotonic() + FOLLOWED_S
    while time.monotonic() < until_s:
        if server.call(key) == wanted:
            return True
        time.sleep(0.05)
    return False


def test_a_running_server_follows_create_rotate_and_revoke(
    legato: Legato, start: Callable[..., Server]
) -> None:
    server = start(workers=2)
    key = created(legato, server.data)
    assert status_within(server, key["secret"], 200)
    rotated = legato(
        "keys", "rotate", key["id"], "--overlap", "1s", "--json", "--data", server.data
    )
    secret = json.loads(rotated.stdout)["secret"]
    assert status_within(server, secret, 200)
    assert status_within(server, key["secret"], 401)
    assert legato("keys", "revoke", key["id"], "--data", server.data).returncode == 0
    time.sleep(FOLLOWED_S)
    assert [server.call(secret) for _ in range(6)] == [401] * 6


def test_a_key_is_changed_by_command(legato: Legato, start: Callable[..., Server]) -> None:
    server = start(workers=2)
    key = created(legato, server.data, "--budget-usd", "5", "--window", "day", "--tag", "a=1")

    def change(*options: str) -> dict[str, Any]:
        done = legato("keys", "change", key["id"], *options, "--json", "--data", server.data)
        assert done.returncode == 0, done.stderr
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    before = json.loads(legato("keys", "show", key["id"], "--json", "--data", server.data).stdout)
    after = change("--models", "other", "--rpm", "9", "--window", "week", "--require-no-training")
    assert after == before | {
        "models": ["other"],
        "requests_per_minute": 9,
        "budget_window": "week",
        "require": {
            "regions": None,
            "no_training": True,
            "retention_days_max": None,
            "certifications": [],
        },
    }
    assert status_within(server, key["secret"], 403)
    without = [f"--without={one}" for one in ("tags", "rpm", "budget", "require")]
    last = change("--models", "*", *without)
    nothing = ("budget_usd", "budget_window", "requests_per_minute", "require")
    assert last == before | dict.fromkeys(nothing) | {"tags": {}}
    assert status_within(server, key["secret"], 200)


def test_a_change_that_can_t_be_made_is_refused_plainly(
    legato: Legato, start: Callable[..., Server]
) -> None:
    server = start()
    key = created(legato, server.data)
    for wanted, said in (
        ((key["id"],), "nothing to change is named"),
        ((key["id"], "--rpm", "5", "--without", "rpm"), "--without rpm: the same is given, too"),
        ((key["id"], "--window", "day"), "the key has no budget: add --budget-usd"),
        ((key["id"], "--expires", "2020-01-01"), "this time has passed"),
        (("ci", "--rpm", "5"), "ci is declared: change it in legato.yaml, under keys"),
        (("nobody", "--rpm", "5"), "no key has the id or name nobody"),
    ):
        done = legato("keys", "change", *wanted, "--data", server.data)
        assert done.returncode != 0
        assert said in done.stderr


def test_a_start_says_which_declared_key_stays_revoked(
    legato: Legato, start: Callable[..., Server]
) -> None:
    server = start()
    assert "was revoked" not in server.log.read_text()
    assert legato("keys", "revoke", "ci", "--data", server.data).returncode == 0
    server.stop()
    server = start()
    assert server.call() == 401
    (warning,) = [line for line in server.log.read_text().splitlines() if "was revoked" in line]
    assert json.loads(warning)["key"] == "ci"
    assert "another secret" in json.loads(warning)["remedy"]


def test_a_key_made_before_the_first_start_works(
    legato: Legato, start: Callable[..., Server], tmp_path: Path
) -> None:
    key = created(legato, tmp_path / "data", "--rpm", "2")
    server = start()
    statuses = [server.call(key["secret"], f"q{n}") for n in range(4)]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
    assert server.call() == 200


def test_list_and_show_tell_all_but_the_secret(legato: Legato, tmp_path: Path) -> None:
    limits = ("--budget-usd", "12.5", "--window", "day", "--expires", "30d", "--models", "a,b")
    key = created(legato, "d", "--name", "mine", "--tag", "stage=test", "--admin", *limits)
    shown = json.loads(legato("keys", "show", "mine", "--json", "--data", "d").stdout)
    assert shown["id"] == key["id"]
    assert shown["budget_usd"] == "12.500000000"
    assert shown["models"] == ["a", "b"]
    assert shown["tags"] == {"stage": "test"}
    assert "admin" in shown["scopes"]
    listed = legato("keys", "list", "--data", "d").stdout
    assert key["id"] in listed
    assert "$12.50/day" in listed
    legato("keys", "revoke", "mine", "--data", "d")
    assert json.loads(legato("keys", "list", "--json", "--data", "d").stdout) == []
    assert len(json.loads(legato("keys", "list", "--all", "--json", "--data", "d").stdout)) == 1
    kept = b"".join(file.read_bytes() for file in (tmp_path / "d").rglob("*") if file.is_file())
    assert key["secret"].encode() not in kept


def test_wrong_wishes_are_refused_plainly(legato: Legato) -> None:
    base = ("keys", "create", "--data", "d", "--feature", "f", "--team")
    for wrong in (
        ("a b",),
        ("a", "--budget-usd", "much"),
        ("a", "--budget-usd", "-1"),
        ("a", "--tag", "novalue"),
        ("a", "--expires", "2001-01-01"),
        ("a", "--models", ","),
    ):
        done = legato(*base, *wrong)
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith("legato: --"), done.stderr
    assert created(legato, "d", "--name", "one")
    again = legato(*base, "a", "--name", "one")
    assert "in force already" in again.stderr

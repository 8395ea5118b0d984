"""`legato audit` on a real database: what was done stands there, and can't be changed unseen."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from legato.audit.merkle import leaf_hash, proves_inclusion
from legato.audit.note import read_checkpoint, read_key
from legato.cli.main import main

Run = Callable[..., Result]


def run(data: Path, *words: str, code: int = 0, given: str = "") -> Result:
    done = CliRunner().invoke(main, [*words, "--data", str(data)], input=given)
    assert done.exit_code == code, (done.output, done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def listed(data: Path, *words: str) -> list[dict[str, object]]:
    lines = run(data, "audit", "list", "--json", *words).stdout.splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by commands alone: each of them leaves its event."""
    folder = tmp_path_factory.mktemp("audit") / "data"
    run(folder, "vault", "set", "vendor", given="sk-canary-secret\n")
    for org in ("acme", "other", "acme"):
        name = f"{org}-{len(listed(folder))}"
        run(folder, "keys", "create", "--name", name, "--org", org, "--team", "t", "--feature", "f")
    run(folder, "vault", "rotate")
    run(folder, "vault", "remove", "vendor")
    return folder


@pytest.fixture
def copied(data: Path, tmp_path: Path) -> Path:
    shutil.copytree(data, tmp_path / "data")
    return tmp_path / "data"


def test_each_command_left_its_event(data: Path) -> None:
    events = listed(data, "-n", "100")[::-1]
    actions = [one["action"] for one in events]
    assert [one for one in actions if one != "data_key.create"] == [
        "credential.set", "key.create", "key.create", "key.create", "data_key.rewrap",
        "credential.remove",
    ]  # fmt: skip
    assert {one["actor"]["kind"] for one in events} == {"operator"}  # type: ignore[index]
    assert [one["index"] for one in events] == list(range(len(events)))
    assert "sk-canary" not in json.dumps(events)
    assert [one["org"] for one in listed(data, "--action", "key.*")] == ["acme", "other", "acme"]
    assert len(listed(data, "--org", "other")) == 1
    first = json.loads(run(data, "audit", "show", "0").stdout)
    assert first == events[0]
    assert "no event 99" in run(data, "audit", "show", "99", code=1).stderr


def test_a_whole_database_and_a_whole_export_are_said_to_be(data: Path, tmp_path: Path) -> None:
    events = len(listed(data, "-n", "100"))
    assert f"whole: {events} events" in run(data, "audit", "verify").stdout
    run(data, "audit", "export", str(tmp_path / "log"))
    events += 1  # that it was exported
    key = run(data, "audit", "key").stdout.strip()
    nowhere = tmp_path / "nothing"
    told = run(nowhere, "audit", "verify", str(tmp_path / "log"), "--key", key)
    assert f"whole: {events} events" in told.stdout
    assert told.stderr == ""
    assert "compare it" in run(nowhere, "audit", "verify", str(tmp_path / "log")).stderr
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    refused = run(nowhere, "audit", "verify", str(tmp_path / "log"), "--key", other, code=1)
    assert "didn't sign" in refused.stderr
    assert "isn't empty" in run(data, "audit", "export", str(tmp_path / "log"), code=1).stderr


@pytest.mark.parametrize(
    ("change", "index"),
    [
        ("UPDATE audit_event SET leaf = replace(leaf, 'vendor', 'vender') WHERE number = 1", 1),
        ("UPDATE audit_event SET org = 'third' WHERE number = 2", 2),
        ("DELETE FROM audit_event WHERE number = 3", 3),
        ("DELETE FROM audit_event WHERE number >= 4", 4),
        ("UPDATE audit_event SET nodes = zeroblob(32) WHERE number = 2", 2),
    ],
)
def test_case_36_a_changed_database_is_told_by_its_first_bad_index(
    copied: Path, change: str, index: int
) -> None:
    with sqlite3.connect(copied / "legato.db") as database:
        assert database.execute(change).rowcount > 0
    database.close()
    told = run(copied, "audit", "verify", "--json", code=1).stdout
    assert json.loads(told)["fault"]["index"] == index


def test_case_36_events_in_each_others_place_are_told(copied: Path) -> None:
    with sqlite3.connect(copied / "legato.db") as database:
        for one, other in ((1, -1), (4, 1), (-1, 4)):
            database.execute("UPDATE audit_event SET number = ? WHERE number = ?", (other, one))
    database.close()
    told = run(copied, "audit", "verify", code=1).stdout
    assert "changed at index 1" in told


def test_case_36_a_log_cut_with_its_head_is_shown_by_a_checkpoint(
    data: Path, tmp_path: Path
) -> None:
    kept, short = tmp_path / "kept", tmp_path / "short"
    kept.write_text(run(data, "audit", "checkpoint").stdout)
    size = int(kept.read_text().splitlines()[1])
    short.write_text(run(data, "audit", "checkpoint", "--size", "3").stdout)
    run(data, "audit", "verify", "--checkpoint", str(kept), "--checkpoint", str(short))
    copied = tmp_path / "data"
    shutil.copytree(data, copied)
    with sqlite3.connect(copied / "legato.db") as database:
        database.execute("DELETE FROM audit_event")
        database.execute("DELETE FROM audit_head")
    database.close()
    run(copied, "keys", "create", "--team", "t", "--feature", "f", "--name", "new")
    assert "whole" in run(copied, "audit", "verify").stdout
    told = run(copied, "audit", "verify", "--checkpoint", str(kept), code=1).stdout
    assert f"{size} were recorded" in told
    run(copied, "audit", "export", str(tmp_path / "log"))
    words = ("audit", "verify", str(tmp_path / "log"), "--checkpoint", str(kept))
    assert "changed at index 2" in run(copied, *words, code=1).stdout


def test_an_edited_export_names_its_event(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    run(data, "audit", "export", str(folder))
    lines = folder / "events-000000000000.jsonl"
    lines.write_bytes(lines.read_bytes().replace(b'"name":"other-', b'"name":"OTHER-'))
    told = run(data, "audit", "verify", str(folder), "--json", code=1).stdout
    at = [one["index"] for one in listed(data, "--org", "other")]
    assert json.loads(told)["fault"]["index"] == at[0]
    (folder / "checkpoint").write_text("nothing\n")
    assert "no signed note" in run(data, "audit", "verify", str(folder), code=1).stderr


def test_an_organisation_verifies_its_own_part(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    run(data, "audit", "export", str(folder), "--org", "acme")
    lines = folder / "events.jsonl"
    whole = lines.read_bytes()
    assert b"other" not in whole
    assert "whole: 3 events" in run(tmp_path, "audit", "verify", str(folder)).stdout
    first, second, exported = whole.splitlines(keepends=True)
    for changed, index in (
        (second + exported, 0),
        (first, 1),
        (first + second, 2),
        (second + first + exported, 0),
        (first + second + second, 2),
        (first + second.replace(b"acme", b"acne") + exported, 1),
        (b"?\n" + second + exported, 0),
        (whole + exported, 3),
    ):
        lines.write_bytes(changed)
        told = run(tmp_path, "audit", "verify", str(folder), "--json", code=1).stdout
        assert json.loads(told)["fault"]["index"] == index
    lines.write_bytes(whole)
    note = folder / "count"
    note.write_text(note.read_text().replace("\n3\n", "\n2\n"))
    assert "altered" in run(tmp_path, "audit", "verify", str(folder), code=1).stderr


def test_one_event_is_proven_against_a_checkpoint(data: Path) -> None:
    proof = json.loads(run(data, "audit", "prove", "2").stdout)
    signed = read_checkpoint(proof["checkpoint"], read_key(run(data, "audit", "key").stdout))
    path = [bytes.fromhex(one) for one in proof["proof"]]
    leaf = leaf_hash(proof["leaf"].encode())
    assert proves_inclusion(leaf, (2, signed.size), path, signed.root)
    assert "ask for a size" in run(data, "audit", "prove", "2", "--size", "99", code=1).stderr

"""Drills: a backup is restored apart from what runs, looked through, recorded, and asked for."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from running import LEDGER_S, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small]}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


@pytest.fixture
def legato(tmp_path: Path) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path, CONFIG)
    yield running
    assert running.stop() == 0


def acts(legato: RunningLegato, action: str) -> list[dict[str, Any]]:
    rows = legato.query("SELECT leaf FROM audit_event WHERE action = ?", action)
    return [json.loads(row["leaf"]) for row in rows]


def checked(legato: RunningLegato) -> tuple[str, str]:
    """How the check stands after a look."""
    look = ("compliance", "look", "--check", "restore-drilled", "--json")
    (one,) = json.loads(legato.command(*look))
    found = one["finding"]
    return found["status"], found["told"]


def spoiled(backup: Path, into: Path) -> Path:
    """A backup whose ledger was altered, and whose hashes were made to fit."""
    with tarfile.open(backup) as archive:
        files = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    database = into.with_suffix(".db")
    database.write_bytes(files["legato.db"])
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("UPDATE ledger_entry SET cost = cost + 1")
        opened.commit()
    files["legato.db"] = database.read_bytes()
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["legato.db"] = hashlib.sha256(files["legato.db"]).hexdigest()
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(into, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return into


def test_a_drill_is_held_recorded_and_asked_for(legato: RunningLegato, tmp_path: Path) -> None:
    for _ in range(3):
        assert legato.chat("chat").status == 200
    entries = "SELECT count(*) AS n FROM ledger_entry"
    assert within(LEDGER_S, lambda: legato.query(entries)[0]["n"] == 3)
    assert checked(legato) == ("fail", "no backup was ever restored for a drill")
    backup, scratch = tmp_path / "backup.tar", tmp_path / "scratch"
    scratch.mkdir()
    legato.command("backup", "create", str(backup))

    drill = ("backup", "drill", str(backup), "--scratch", str(scratch), "--json")
    told = json.loads(legato.command(*drill))
    assert (told["passed"], told["backup"], told["entries"]) == (True, "backup.tar", 3)
    assert told["events"] > 0
    assert list(scratch.iterdir()) == [], "nothing of it stays"
    (act,) = acts(legato, "backup.drill")
    assert act["details"]["entries"] == 3
    assert checked(legato)[0] == "pass"

    assert "is recorded in the audit log" in legato.command("backup", "drill")
    bad = spoiled(backup, tmp_path / "spoiled.tar")
    with pytest.raises(AssertionError):
        legato.command("backup", "drill", str(bad))
    (act,) = acts(legato, "backup.drill_failed")
    assert "ledger: " in act["reason"]
    assert checked(legato) == ("fail", "the last drill found that a restored backup isn't whole")
    assert legato.chat("chat").status == 200, "what runs was not touched"

"""A restored backup brings nothing back that was revoked or erased since it was made."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from running import ADMIN, LEDGER_S, RunningLegato, within

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small], cache: {enabled: false}}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
capture: {rules: [{}]}
tombstones: {every_s: 0.2, copies: [{name: vault, file: {path: LIST}}]}
"""


def count(legato: RunningLegato, table: str) -> int:
    return int(legato.query(f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608


def copied(legato: RunningLegato) -> bool:
    (copy,) = json.loads(legato.command("privacy", "tombstones", "--json"))["copies"]
    return bool(copy["batches"]) and copy["waiting"] == 0


def test_what_was_revoked_and_erased_stays_so_after_a_restore(tmp_path: Path) -> None:
    elsewhere, backup = tmp_path / "elsewhere", tmp_path / "backup.tar"
    legato = RunningLegato(tmp_path, CONFIG.replace("LIST", str(elsewhere)))
    revoked = legato.create_key("--name", "revoked")
    rotated = legato.create_key("--name", "rotated")
    legato.chat("chat", "canary of ann", user="ann")
    legato.chat("chat", "canary of bob", user="bob")
    assert within(LEDGER_S, lambda: count(legato, "capture") == 2)
    legato.command("backup", "create", str(backup))

    legato.command("keys", "revoke", revoked["id"])
    legato.command("keys", "rotate", rotated["id"], "--overlap", "0s")
    legato.command("privacy", "erase", "--subject", "ann")
    assert within(10, lambda: copied(legato))
    stored = b"".join(file.read_bytes() for file in elsewhere.rglob("*.json"))
    for told in ("ann", "revoked", "rotated", revoked["secret"], rotated["secret"]):
        assert told.encode() not in stored.replace(b'"kind":"key"', b"")
    assert legato.stop() == 0

    legato.command("backup", "restore", str(backup), "--replace")
    hidden = elsewhere.rename(tmp_path / "hidden")
    with pytest.raises(AssertionError, match="--without-tombstones"):
        legato.start()
    hidden.rename(elsewhere)
    legato.start()
    try:
        assert "ALARM: the database is older than its list of tombstones" in legato.log.read_text()
        for key in (revoked, rotated):
            assert legato.get("/v1/models", key["secret"]).status == 401
        assert legato.chat("chat").status == 200
        assert legato.get("/api/v1/keys", ADMIN).status == 200
        left = {row["end_user"] for row in legato.query("SELECT end_user FROM capture")}
        erased = legato.query("SELECT end_user, author FROM erasure")
        assert [row["author"] for row in erased] == ["process:restore"]
        assert left
        assert erased[0]["end_user"] not in left
        acts = legato.command("audit", "list", "--action", "tombstone.*")
        assert acts.count("tombstone.reapply") == 1
        legato.command("audit", "verify")
        assert within(10, lambda: copied(legato))
        assert legato.stop() == 0
        legato.start()  # nothing is applied twice
        assert "ALARM" not in legato.log.read_text()
    finally:
        assert legato.stop() == 0


def test_a_list_that_was_altered_is_not_believed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    legato = RunningLegato(tmp_path, CONFIG.replace("LIST", str(elsewhere)))
    key = legato.create_key("--name", "some")
    legato.command("keys", "revoke", key["id"])
    assert within(10, lambda: copied(legato))
    assert legato.stop() == 0
    (batch,) = elsewhere.rglob("*.json")
    batch.write_bytes(batch.read_bytes().replace(b'"kind":"key"', b'"kind":"token"'))
    with closing(sqlite3.connect(legato.data / "legato.db")) as database, database:
        database.execute("UPDATE tombstone_copy SET batches = 0, head = zeroblob(32)")
    with pytest.raises(AssertionError, match="wasn't written by this instance, or it was altered"):
        legato.start()

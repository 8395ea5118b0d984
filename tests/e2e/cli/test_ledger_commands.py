from __future__ import annotations

import csv
import io
import json
import re
import time
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Legato


def called(server: Server) -> Server:
    """Let it answer four calls, one of them from its cache, and refuse one."""
    for question in ("a", "b", "c", "c"):
        assert server.call(question=question, temperature=0) == 200
    assert server.call("lg-nobody") == 401
    time.sleep(1.5)  # the ledger and the metrics follow within a second
    return server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all the tests that only read."""
    server = Server(tmp_path_factory.mktemp("served"))
    yield called(server)
    server.stop()


def test_sums_exports_and_verify_agree(legato: Legato, served: Server, tmp_path: Path) -> None:
    data = ("--data", served.data)
    summed = json.loads(legato("ledger", "sum", "--by", "team,deployment", "--json", *data).stdout)
    total = summed["total"]
    assert total["requests"] == 4
    assert summed["groups"][0]["team"] == "platform"
    assert sum(one["cost_nano_usd"] for one in summed["groups"]) == total["cost_nano_usd"] > 0
    rows = list(csv.DictReader(io.StringIO(legato("ledger", "export", *data).stdout)))
    assert sum(int(row["cost_nano_usd"]) for row in rows) == total["cost_nano_usd"]
    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal(total["cost_usd"])
    file = tmp_path / "out.jsonl"
    assert legato("ledger", "export", "--format", "jsonl", "-o", file, *data).returncode == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["request_id"] for line in lines] == [row["request_id"] for row in rows]
    verified = legato("ledger", "verify", *data)
    assert verified.returncode == 0
    assert f"{len(rows)} entries, cost ${total['cost_usd']}" in verified.stdout


def test_the_figures_of_a_table_have_the_same_decimals(legato: Legato, served: Server) -> None:
    data = ("--data", served.data)
    for command in (("sum", "--by", "deployment,kind"), ("tail",)):
        table = legato("ledger", *command, *data).stdout
        amounts = [word for word in table.split() if re.fullmatch(r"-?\d+\.\d{2,}", word)]
        assert len(amounts) > 6
        assert {len(amount.partition(".")[2]) for amount in amounts} == {6}, table


def test_tail_and_filters(legato: Legato, served: Server) -> None:
    data = ("--data", served.data)
    newest = legato("ledger", "tail", "-n", "1", "--json", *data).stdout.splitlines()
    assert json.loads(newest[0])["kind"] == "cache"
    nobody = legato("ledger", "sum", "--team", "nobody", "--json", *data).stdout
    assert json.loads(nobody)["total"]["requests"] == 0
    old = legato("ledger", "sum", "--until", "1h", "--json", *data).stdout
    assert json.loads(old)["total"]["requests"] == 0
    assert "is no dimension" in legato("ledger", "sum", "--by", "colour", *data).stderr


def test_a_trace_shows_the_stages_of_one_request(legato: Legato, served: Server) -> None:
    data = ("--data", served.data)
    entry = json.loads(legato("ledger", "tail", "--json", "-n", 1, *data).stdout)
    told = json.loads(legato("ledger", "trace", entry["request_id"], "--json", *data).stdout)
    assert (told["request_id"], told["http_status"], told["cache"]) == (
        entry["request_id"],
        200,
        "hit",
    )
    shown = legato("ledger", "trace", entry["request_id"], *data).stdout
    assert all(name in shown for name, _ in told["stages"])
    missing = legato("ledger", "trace", "0" * 32, *data)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "No trace" in missing.stderr


def test_parquet_reads_back(legato: Legato, served: Server, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "out.parquet"
    arguments = ("ledger", "export", "--format", "parquet", "--data", served.data)
    assert "add --output" in legato(*arguments).stderr
    assert legato(*arguments, "-o", file).returncode == 0
    table = parquet.read_table(file)
    assert table.num_rows == 4
    assert table.column("cost_nano_usd").to_pylist()[0] > 0


def test_stats_and_journal_of_a_running_server(legato: Legato, served: Server) -> None:
    data = ("--data", served.data)
    seen = json.loads(legato("stats", "--json", "--interval", "0.5", *data).stdout)
    assert (seen["requests"], seen["cache_hits"], seen["caller_errors"]) == (5, 1, 1)
    assert seen["deployments"][0]["name"] == "small"
    assert f"legato at {served.url}, counted since 20" in legato("stats", "--once", *data).stdout
    status = json.loads(legato("journal", "status", "--json", *data).stdout)
    assert status["is_ingester_running"] is True
    assert [writer["lag_frames"] for writer in status["writers"]] == [0]


def test_the_journal_is_shown_while_the_database_is_away(
    legato: Legato, served: Server, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("postgresql://nobody@127.0.0.1:1/none")
    config = tmp_path / "away.yaml"
    config.write_text(f"config_version: 1\nstorage: {{url: {{file: {tmp_path / 'url'}}}}}\n")
    arguments = ("journal", "status", "--json", "--data", served.data, "--config", config)
    shown = legato(*arguments)
    assert shown.returncode == 0
    assert "the database is unavailable" in shown.stderr
    assert [writer["is_alive"] for writer in json.loads(shown.stdout)["writers"]] == [True]


def test_the_ledger_can_be_read_after_the_server_stopped(
    legato: Legato, start: Callable[..., Server]
) -> None:
    server = called(start())
    assert server.stop() == 0
    data = ("--data", server.data)
    assert json.loads(legato("ledger", "sum", "--json", *data).stdout)["total"]["requests"] == 4
    assert "legato is stopped" in legato("stats", "--once", *data).stdout

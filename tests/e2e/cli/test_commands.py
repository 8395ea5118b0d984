from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato


HEAVY = {"aiohttp", "alembic", "cryptography", "dbos", "litestar", "rich", "sqlalchemy", "uvloop"}


def test_help_imports_nothing_heavy() -> None:
    """What makes it quick; how quick it is, the benchmark measures."""
    asked = "import sys; from legato.cli.main import main; main(['--help'], standalone_mode=False)"
    told = "; print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", asked + told], capture_output=True, text=True, check=True
    )
    assert "doctor" in done.stdout
    assert set(ast.literal_eval(done.stderr)) & HEAVY == set()


def test_version(legato: Legato) -> None:
    assert legato("version").stdout.startswith("legato ")


def test_doctor_finds_this_machine_good(legato: Legato) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = legato("doctor", "--json", LEGATO_SERVER__PORT=str(port))
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 0
    assert "wal" in checks["sqlite"]["found"]
    assert checks["port"]["state"] == "good"


def test_doctor_names_remedies_and_fails(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(
        "config_version: 1\n"
        "storage: {url: {env: DATABASE}}\n"
        "providers: [{name: here, kind: local, settings: {model: smollm2-135m}}]\n"
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = legato(
            "doctor",
            LEGATO_SERVER__PORT=str(port),
            DATABASE="postgresql://nobody:secret-word@127.0.0.1:1/none",
        )
    assert done.returncode == 1
    assert f"FAIL  port             127.0.0.1:{port}: Address already in use" in done.stdout
    assert "FAIL  database" in done.stdout
    assert "legato local pull smollm2-135m" in done.stdout
    assert "secret-word" not in done.stdout + done.stderr


def test_doctor_says_which_broker_does_not_answer(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(
        "config_version: 1\n"
        "triggers:\n  connections:\n"
        "    - {name: away, kind: nats, url: {env: AWAY}}\n"
        "    - {name: here, kind: redis, url: {env: HERE}}\n"
    )
    with socket.socket() as broker:
        broker.bind(("127.0.0.1", 0))
        broker.listen()
        here = f"redis://:secret-word@127.0.0.1:{broker.getsockname()[1]}"
        done = legato("doctor", "--json", AWAY="nats://127.0.0.1:1", HERE=here)
        unset = legato("doctor", "--json", AWAY="nats://127.0.0.1:1")
    checks = {check["name"]: check["state"] for check in json.loads(done.stdout)}
    assert (checks["broker away"], checks["broker here"]) == ("warning", "good")
    assert "secret-word" not in done.stdout + done.stderr
    told = {check["name"]: check for check in json.loads(unset.stdout)}
    assert "HERE is not set" in told["brokers"]["found"]


def test_stored_data_that_is_not_there_is_said(legato: Legato) -> None:
    done = legato("journal", "status")
    assert done.returncode == 1
    assert done.stderr.startswith("legato: nothing is stored in legato-data yet")

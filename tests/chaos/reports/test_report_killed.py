"""However often whoever makes a scheduled report is killed, it is made and told of once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.report_schedule import ReportSchedule
from legato.core.tenant import Tenant
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade
from legato.storage.schedules.schedules import Schedules

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.chaos]

CONFIG = """\
config_version: 1
providers: []
deployments: []
routes: []
notifications:
  channels:
    - {name: files, folder: {path: "FOLDER"}}
"""
KILLS = 12


def test_a_killed_report_is_made_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    config = tmp_path / "legato.yaml"
    config.write_text(CONFIG.replace("FOLDER", str(tmp_path / "out")))
    command = [sys.executable, "-m", "legato", "report", "schedule", "run", "--due",
               "--data", str(data), "--config", str(config)]  # fmt: skip
    engine = open_engine(f"sqlite:///{data / 'legato.db'}")
    upgrade(engine)
    clock = SystemClock()
    wanted = ReportSchedule(
        id=IdSource(clock).new(), org="default", name="often", kind="savings", form="json",
        cron="0 8 1 * *", time_zone="UTC", span="7d", channels=("files",),
    )  # fmt: skip
    Schedules(engine, clock, Tenant("default")).add(wanted, frozenset({"files"}))
    with engine.begin() as connection:
        connection.execute(text("UPDATE report_schedule SET next_ns = 1700000000000000000"))
    began = time.monotonic()
    done = subprocess.run([*command[:-4], "--help"], check=True, capture_output=True)
    least_s = time.monotonic() - began
    assert done.returncode == 0
    random_s = random.Random(7)
    for _ in range(KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(random_s.uniform(least_s, 4 * least_s))
        process.kill()
        process.wait(30)
    last = subprocess.run(command, check=False, capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    with engine.connect() as connection:
        counted = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
            for table in ("report_run", "notification", "notification_delivery")
        }
        events = connection.execute(
            text("SELECT count(*) FROM audit_event WHERE action = 'report.schedule'")
        ).scalar_one()
        facts = connection.execute(text("SELECT facts FROM notification")).scalar_one()
        digest = connection.execute(text("SELECT digest FROM report_run")).scalar_one()
    assert counted == {"report_run": 1, "notification": 1, "notification_delivery": 1}
    assert events == 1
    assert json.loads(facts)["sha256"] == digest
    engine.dispose()

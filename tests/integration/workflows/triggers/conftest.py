"""Triggers on a real database; runs are begun into a list, each id once."""

from pathlib import Path
from typing import Any

import pytest

from legato.core.clock import ManualClock, SystemClock
from legato.core.errors import InvalidRequest, StorageUnavailable
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.flow.definition import Trigger
from legato.flow.trigger_settings import settings_of
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade
from legato.storage.triggers.triggers import TriggerStore
from legato.workflows.triggers.cloud_events import Event
from legato.workflows.triggers.intake import Active, Intake, Order
from legato.workflows.triggers.schedules import Schedules


class Sealing:
    def seal(self, _org: str, data: bytes, context: bytes) -> bytes:
        return context + b"|" + data[::-1]

    def open(self, _org: str, sealed: bytes, context: bytes) -> bytes:
        return sealed[len(context) + 1 :][::-1]


class World:
    def __init__(self, url: str) -> None:
        upgrade(engine := open_engine(url))
        self.url, self.clock, self.ids = url, ManualClock(), IdSource(SystemClock())
        self.runs: dict[str, Order] = {}
        self.begun = 0
        self.away = 0
        self.cut = 0
        self.under_way: list[str] = []
        self.cancelled: list[str] = []
        self.delivered: list[Event] = []
        self.intake = Intake(
            lambda org: TriggerStore(engine, self.clock, Tenant(org)),
            self.start,
            Sealing(),
            new_id=self.ids.new,
            now_ns=self.clock.now_ns,
        )
        self.schedules = Schedules(
            self.intake,
            lambda _active: list(self.under_way),
            lambda _org, run_id: self.cancelled.append(run_id),
            self.clock.now_ns,
        )

    def start(self, order: Order) -> None:
        self.begun += 1
        if self.away:
            self.away -= 1
            raise StorageUnavailable("the database is away")
        if isinstance(order.input, dict) and order.input.get("poison"):
            raise InvalidRequest("input: is poison", param="input")
        self.runs.setdefault(order.run_id, order)
        if self.cut and order.input != {"n": 0}:
            self.cut -= 1
            raise StorageUnavailable("the database is away")

    def deliver(self, _org: str, event: Event) -> int:
        self.delivered.append(event)
        return 0

    def active(self, kind: str, **more: Any) -> Active:
        settings = {"key": "ci"} | more.pop("settings")
        trigger = Trigger(name="t", kind=kind, settings=settings, **more)  # type: ignore[arg-type]
        return Active(
            org="default", workflow="refund", trigger=trigger, settings=settings_of(trigger)
        )

    def store(self) -> TriggerStore:
        return self.intake.store_of("default")

    def inputs(self) -> list[Any]:
        return [one.input for one in self.runs.values()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(f"sqlite:///{tmp_path}/legato.db")

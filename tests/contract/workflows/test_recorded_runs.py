"""Runs that an older version began, and left in the middle, are finished by this one.

What is in `recorded/` was written by `record_runs.py` of the version that the name says, and is
never written anew: columns that came since have their defaults.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from legato.flow.definition import Notify
from legato.storage.database.engine import open_engine, writing
from legato.storage.tables.schema import metadata
from legato.workflows.nodes.contract import Step, StepOutcome

from .workflow_runs import running

if TYPE_CHECKING:
    from .conftest import Place

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))


async def tells(_node: Notify, step: Step) -> StepOutcome:
    async def outside(key: str) -> str:
        return key.rpartition("/")[2]

    return StepOutcome(output=await step.do("outside", outside))


@pytest.mark.parametrize("file", RECORDED, ids=[one.stem for one in RECORDED])
def test_runs_of_an_older_version_are_finished(place: Place, file: Path) -> None:
    recorded: dict[str, list[dict[str, Any]]] = json.loads(file.read_text())
    _keep(place, recorded)
    roots = {one["status"]: one for one in recorded["workflow_run"] if not one["parent"]}
    cut, loop = roots["running"], roots["waiting"]
    steps = {one["node"]: one for one in recorded["workflow_step"] if one["run_id"] == cut["id"]}
    assert steps["tells"]["state"] == "started"
    with running((place.beats_url, place.url), place.schema, {Notify: tells}) as runs:
        ended = runs.until_over(cut["id"], 60)
        assert ended.end.output == "declined 119 outside"
        after = {one.row.node: one for one in runs.workflows.steps(ended.row) if not one.row.name}
        assert len(after["pays"].kept.tried) == 2
        for done in ("sum", "pays", "notes"):
            assert after[done].row.ended_at_ns == steps[done]["ended_at_ns"], "not done anew"
        assert runs.until_over(loop["id"], 60).end.output == [103, 106, 109]


def _keep(place: Place, recorded: dict[str, list[dict[str, Any]]]) -> None:
    schema = place.schema if place.beats_url.startswith("postgres") else None
    engine = open_engine(place.beats_url, schema=schema)
    with writing(engine) as connection:
        for table, rows in recorded.items():
            if rows:
                connection.execute(insert(metadata.tables[table]), [_row(one) for one in rows])
    engine.dispose()


def _row(recorded: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value["sealed"].encode() if isinstance(value, dict) else value
        for name, value in recorded.items()
    }

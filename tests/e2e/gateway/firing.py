"""A running Legato with workflows that events begin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from running import ADMIN, CALLER, Answer, RunningLegato, within

if TYPE_CHECKING:
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "config_version": 1,
    "providers": [{"name": "up", "kind": "simulated"}],
    "keys": [
        {"name": "ci", "team": "platform", "feature": "tests", "secret": {"env": "CALLER_KEY"}},
    ],
}
TAKES: dict[str, Any] = {
    "input": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    "nodes": [{"kind": "set", "id": "seen", "value": "${ input.n }"}],
    "output": "${ steps.seen.output }",
}
WITHIN_S = 60.0


class Firing:
    """What is asked of it in these tests."""

    def __init__(
        self, folder: Path, triggers: dict[str, Any], variables: dict[str, str], workers: int
    ) -> None:
        config = json.dumps(CONFIG | {"triggers": triggers})
        self.legato = RunningLegato(folder, config, workers=workers, variables=variables)

    def save(self, name: str, *triggers: dict[str, Any], status: int = 201, **more: Any) -> Answer:
        """Make a workflow of this name live, with triggers for the key `ci`."""
        given = [{**one, "settings": {"key": "ci", **one["settings"]}} for one in triggers]
        answer = self.legato.post(
            f"/api/v1/registry/objects/workflow/{name}/versions",
            {"spec": TAKES | {"triggers": given} | more, "labels": ["production"]},
            ADMIN,
        )
        # saved again as it was, it is the version that is there: 200
        assert answer.status == status or (status, answer.status) == (201, 200), answer.body
        return answer

    def runs(self, workflow: str) -> list[dict[str, Any]]:
        """Its runs, newest first."""
        path = f"/api/v1/workflow-runs?workflow={workflow}&limit=200"
        found: list[dict[str, Any]] = self.legato.get(path, ADMIN).json["data"]
        return found

    def inputs(self, workflow: str) -> list[Any]:
        """What its runs began with."""
        return sorted(one["input"]["n"] for one in self.runs(workflow))

    def comes_to(self, workflow: str, wanted: list[Any]) -> None:
        """Wait until its runs are these, by their inputs, and have ended well."""
        within(WITHIN_S, lambda: self.inputs(workflow) == wanted)
        assert self.inputs(workflow) == wanted
        assert within(
            WITHIN_S, lambda: {one["status"] for one in self.runs(workflow)} <= {"done"}
        ), self.runs(workflow)

    def trigger(self, workflow: str, name: str = "t") -> dict[str, Any]:
        """How a trigger stands."""
        path = f"/api/v1/triggers/{workflow}/{name}"
        found: dict[str, Any] = self.legato.get(path, ADMIN).json
        return found


__all__ = ["ADMIN", "CALLER", "Firing", "within"]

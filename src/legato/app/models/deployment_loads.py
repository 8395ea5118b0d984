"""Deployments' breakers and load, on the memory that all workers share."""

import time
from collections.abc import Iterable, Mapping
from typing import Final

from legato.app.context import WorkerContext
from legato.core.clock import SystemClock
from legato.core.config_load import Queue, RateLimits
from legato.gateway.breakers import BreakerBoard, Breakers
from legato.gateway.directory import Deployment, DeploymentLoad
from legato.gateway.loads import LoadBoard, Loads, LoadState, load_state
from legato.gateway.waiting_room import WaitingRoom
from legato.telemetry.metrics import Meters, Reading

_QUEUE: Final = "queue\x00"


class DeploymentLoads:
    """One worker's."""

    def __init__(self, context: WorkerContext, meters: Meters) -> None:
        self._meters = meters
        self._rooms: dict[str, WaitingRoom] = {}
        shared, config = context.loads, context.loaded.config
        names = [one.name for one in config.deployments]
        cells = context.breakers or BreakerBoard(names, context.data.run / "breakers.lock")
        self.breakers = breakers = Breakers(cells, config.breaker, time.monotonic)
        self._board = board = shared or LoadBoard(breakers.cells, 1)
        rules = config.load
        self._loads = Loads(
            board,
            0 if shared is None else context.worker,
            breaker_state=breakers.state,
            monotonic=time.monotonic,
            epoch_ns=SystemClock().now_ns,
            slow_start_s=rules.slow_start_s,
            heeds_headers=rules.heed_rate_limits,
        )

    def of(self, cell: int, limits: RateLimits) -> DeploymentLoad | None:
        """Return a deployment's load; None where all cells were taken before it came."""
        return self._loads.of(cell, limits) if cell < self._board.cells else None

    def room(self, alias: str, setting: Queue) -> WaitingRoom:
        """Return where a route's calls wait: the same whichever version of it serves."""
        room = self._rooms.get(alias)
        if room is None:
            cell = self.breakers.cell(_QUEUE + alias)  # a name that no deployment has
            depth = self._loads.depth(cell) if cell < self._board.cells else None
            room = self._rooms[alias] = WaitingRoom(alias, setting, self._loads, depth)
            room.count = self._meters
            self._meters.queue_depths = self._depths
        room.change(setting)
        return room

    def _depths(self) -> dict[tuple[str, ...], int]:
        return {(alias,): one.depth for alias, one in self._rooms.items()}

    def readings(self, deployments: Iterable[Deployment]) -> list[Reading]:
        """Return gauges of those whose load is counted."""
        now_s = time.monotonic()
        counted = {one.name: one.breaker for one in deployments if one.load is not None}
        if not counted:
            return []
        return load_readings(
            {name: load_state(self._board, cell, now_s) for name, cell in counted.items()}
        )


def load_readings(states: Mapping[str, LoadState]) -> list[Reading]:
    """Return gauges of deployments."""
    left: dict[tuple[str, ...], float] = {}
    for name, state in states.items():
        for of, number in (("requests", state.requests_left), ("tokens", state.tokens_left)):
            if number is not None:
                left[name, of] = number
    return [
        Reading(
            "legato_deployment_outstanding",
            "Calls under way at a deployment",
            ("deployment",),
            {(name,): state.outstanding for name, state in states.items()},
        ),
        Reading(
            "legato_deployment_closed_seconds",
            "For how long nothing is sent to a deployment, as it asked",
            ("deployment",),
            {(name,): state.closed_s for name, state in states.items()},
        ),
        Reading(
            "legato_deployment_places",
            "How many calls at once a deployment is taken to bear",
            ("deployment",),
            {(name,): state.places for name, state in states.items() if state.places is not None},
        ),
        Reading(
            "legato_deployment_rate_left",
            "What a provider still takes, by its own headers",
            ("deployment", "of"),
            left,
        ),
    ]

"""The evaluations that haven't ended: their runs are started here.

An organisation has few runs under way, the oldest, and its others wait here: a queue that one
could fill would be no use to the rest.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from legato.core.durable import Engine
from legato.evaluation import runs

ORG_RUNS_MAX: Final = 2


class OpenEvaluations:
    """One process's view of them. Every method may raise StorageUnavailable."""

    def __init__(self, open_: Callable[[], list[tuple[str, str, int]]], engine: Engine) -> None:
        """`open_` returns organisation, id and round of each."""
        self._open = open_
        self._engine = engine
        self._started: set[str] = set()

    def begin(self) -> bool:
        """Start what isn't started yet; return whether an evaluation is open."""
        found = self._open()
        under_way: Counter[str] = Counter()
        for org, evaluation_id, number in found:
            under_way[org] += 1
            if under_way[org] > ORG_RUNS_MAX:
                continue
            # each round is a run of its own: a cancelled one would never make another step
            run_id = f"{evaluation_id}-{number}"
            if run_id not in self._started:
                self._engine.start(runs.WORKFLOW, run_id, [org, evaluation_id, number], runs.QUEUE)
                self._started.add(run_id)
        return bool(found)

    def unfinished(self) -> bool:
        """Whether an evaluation is open."""
        return bool(self._open())

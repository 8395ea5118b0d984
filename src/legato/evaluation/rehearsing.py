"""One answer of a workflow: a run of its version over a case, waited for."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from legato.core.errors import BudgetExceeded, Erased, InvalidRequest, NotFound, Unauthenticated
from legato.evaluation.gateway_calls import Refused, Stopped
from legato.evaluation.scoring import REASON_MAX, Answer, Case
from legato.flow.rehearsal import RehearsalAsked, Rehearsed

_LOOK_S: Final = 0.2
_OF_THE_KEY: Final = frozenset({BudgetExceeded.code, Unauthenticated.code})
"""What every other run of the key would fail of, too."""
_TIME_DIGITS: Final = 12


class Rehearsals(Protocol):
    """Begins runs and looks at them; blocking. Methods may raise StorageUnavailable."""

    def begin(self, asked: RehearsalAsked) -> None:
        """Begin a run, once. Raises NotFound, InvalidRequest."""
        ...

    def outcome(self, org: str, run_id: str) -> Rehearsed | None:
        """Return what came of it, None while it goes on. Raises NotFound, Erased."""
        ...

    def cancel(self, org: str, run_id: str) -> None:
        """End it, where it goes on."""
        ...


async def rehearsed(
    runs: Rehearsals, asked: RehearsalAsked, may_go_on: Callable[[], bool]
) -> Answer:
    """Begin a run and return what it said. Raises Stopped, Refused, StorageUnavailable."""
    try:
        await asyncio.to_thread(runs.begin, asked)
        found = await asyncio.to_thread(runs.outcome, asked.org, asked.run_id)
        while found is None:
            if not may_go_on():
                raise Stopped
            await asyncio.sleep(_LOOK_S)
            found = await asyncio.to_thread(runs.outcome, asked.org, asked.run_id)
    except (InvalidRequest, NotFound, Erased) as error:
        return Answer(request_id=asked.run_id, error=error.code, told=error.message[:REASON_MAX])
    if found.error in _OF_THE_KEY:
        raise Refused(found.error)
    return Answer(
        text="" if found.error else _text(found.output),
        request_id=asked.run_id,
        cost=found.cost,
        latency_us=found.latency_us,
        error=found.error,
        told=found.told[:REASON_MAX],
        accepted=found.accepted,
    )


def run_id_of(evaluation_id: str, number: int, place: str) -> str:
    """Return the id of the run that answers at a place, in one round of an evaluation."""
    digest = hashlib.blake2b(f"{evaluation_id}/{number}/{place}".encode(), digest_size=10)
    return evaluation_id[:_TIME_DIGITS] + digest.hexdigest()


def input_of(case: Case) -> Any:
    """Return what a case's run begins with: its variables, else its one text, else its messages."""
    if case.variables:
        return case.variables
    if len(case.messages) == 1 and isinstance(case.messages[0].get("content"), str):
        return case.messages[0]["content"]
    return list(case.messages)


def _text(output: Any) -> str:
    return output if isinstance(output, str) else msgspec.json.encode(output).decode()

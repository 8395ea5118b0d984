"""The kind `twin`: mirrors the state of a thing in the world, and tries actions on the mirror.

A change is worked out and written in the transaction that records the step, while the thing is
locked: runs that meet at one thing change it one after the other, each exactly once. One that
takes long holds up nobody: the transaction is given up, the change is worked out outside, and
written where the thing is still as it was.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from legato.core.errors import InvalidRequest, StorageUnavailable
from legato.core.tasks import InThread
from legato.flow.definition import Twin
from legato.flow.expressions import TooCostly
from legato.storage.workflows.twins import TwinPlace, TwinState, TwinStates
from legato.workflows.nodes.contract import RunFacts, Step, StepOutcome
from legato.workflows.nodes.prompt import as_text

STATE_BYTES_MAX: Final = 1_000_000
"""Of one thing's state, as JSON."""
KEY_CHARACTERS_MAX: Final = 500
_OVERTAKEN_MAX: Final = 20
_ERASED: Final = "who the key names was erased since the run began"


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Mirrored(msgspec.Struct, frozen=True):
    """What is sealed of a thing: JSON."""

    key: str
    state: Any


class Twins:
    """Of every organisation; blocking. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        states_of: Callable[[str], TwinStates],
        sealing: Sealing,
        pseudonym: Callable[[str, str], str],
        now_ns: Callable[[], int],
    ) -> None:
        """`pseudonym` digests a name within an organisation, as the ledger does.

        So the thing that is a user is found where that user is erased.
        """
        self._states_of = states_of
        self._sealing = sealing
        self._pseudonym = pseudonym
        self._now_ns = now_ns

    def see(self, org: str, twin: str, key: str) -> list[Any]:
        """Return the state of a thing in a list, empty for one that nobody mirrored.

        Raises:
            InvalidRequest: it can't be opened.
        """
        place = self._place(org, twin, key)
        found = self._states_of(org).find(place)
        return [] if found is None else [self._opened(org, place, found)]

    def change(
        self,
        connection: Any,
        run: RunFacts,
        thing: tuple[str, str],
        work: Callable[[list[Any]], Any],
    ) -> dict[str, Any]:
        """Change a thing, by twin and key, within a transaction.

        `work` is given what `see` returns and returns the new state. Returns `before` (a list
        likewise), `after`, `version` and why it was `not_kept`, "" where it was.

        Raises:
            InvalidRequest: the old state can't be opened, or the new one is too large.
        """
        twin, key = thing
        states, place = self._states_of(run.org), self._place(run.org, twin, key)
        if not states.may_keep(connection, place, run.id):
            return {"before": [], "after": work([]), "version": 0, "not_kept": _ERASED}
        found = states.locked(connection, place)
        before = [self._opened(run.org, place, found)] if found.version else []
        after = work(before)
        data = msgspec.json.encode(Mirrored(key, after))
        if len(data) > STATE_BYTES_MAX:
            msg = f"update: the state has {len(data)} bytes, of at most {STATE_BYTES_MAX}"
            raise InvalidRequest(msg, param="update")
        sealed = self._sealing.seal(run.org, data, twin_context(place.twin, place.whose))
        state = TwinState(found.version + 1, sealed, self._now_ns())
        states.put(connection, place, state)
        return {"before": before, "after": after, "version": state.version, "not_kept": ""}

    def _place(self, org: str, twin: str, key: str) -> TwinPlace:
        return TwinPlace(twin, self._pseudonym(org, key))

    def _opened(self, org: str, place: TwinPlace, state: TwinState) -> Any:
        context = twin_context(place.twin, place.whose)
        try:
            opened = self._sealing.open(org, state.sealed, context)
        except ValueError:
            why = "the organisation's data key was destroyed, or the row was altered"
            msg = f"twin: what {place.twin!r} keeps of this thing can't be opened: {why}"
            raise InvalidRequest(msg, param="twin") from None
        return msgspec.json.decode(opened, type=Mirrored).state


class _TakesLong(Exception):
    """A change of a thing that is `before` takes too long for a transaction."""

    def __init__(self, before: list[Any]) -> None:
        super().__init__("the update takes long")
        self.before = before


class TwinKind:
    """Runs nodes of the kind."""

    def __init__(self, twins: Twins, in_thread: InThread) -> None:
        self._twins = twins
        self._in_thread = in_thread

    async def __call__(self, node: Twin, step: Step) -> StepOutcome:
        """Change the thing, or, in a simulation and a trial, tell what it would become.

        Raises:
            InvalidRequest: the key is empty or too long, an expression fails, the state is too
                large.
        """
        key = as_text(await step.value(node.key))
        if not 0 < len(key) <= KEY_CHARACTERS_MAX:
            msg = f"key: has {len(key)} characters, not 1 to {KEY_CHARACTERS_MAX}"
            raise InvalidRequest(msg, param="key")
        initial = await step.value(node.initial)
        if node.simulate or step.run.test:
            why = "a simulation" if node.simulate else "a trial changes nothing"
            found = await self._seen(node.twin, key, step)
            after = await step.value(node.update, _as_seen(found, initial))
            came = {"before": found, "after": after, "not_kept": why}
        else:
            came = await self._changed(node, key, initial, step)
        before = came["before"][0] if came["before"] else initial
        told = {"not_kept": came["not_kept"]} if came["not_kept"] else {"version": came["version"]}
        return StepOutcome(output={"before": before, "after": came["after"]}, lineage=told)

    async def _changed(self, node: Twin, key: str, initial: Any, step: Step) -> dict[str, Any]:
        known: list[tuple[list[Any], Any]] = []

        def updated(before: list[Any]) -> Any:
            for seen, after in known:
                if seen == before:
                    return after
            try:
                return step.value_at_once(node.update, _as_seen(before, initial))
            except TooCostly:
                raise _TakesLong(before) from None

        def change(connection: Any, _key: str) -> dict[str, Any]:
            return self._twins.change(connection, step.run, (node.twin, key), updated)

        for _ in range(_OVERTAKEN_MAX):
            try:
                came: dict[str, Any] = await step.transact("change", change)
            except _TakesLong as long:
                after = await step.value(node.update, _as_seen(long.before, initial))
                known[:] = [(long.before, after)]
            else:
                return came
        msg = f"twin: others changed it {_OVERTAKEN_MAX} times while its update was worked out"
        raise StorageUnavailable(msg)

    async def _seen(self, twin: str, key: str, step: Step) -> list[Any]:
        async def see(_key: str) -> Any:
            return await self._in_thread(lambda: self._twins.see(step.run.org, twin, key))

        found: list[Any] = await step.do("see", see)
        return found


def _as_seen(before: list[Any], initial: Any) -> dict[str, Any]:
    return {"state": before[0] if before else initial}


def twin_context(twin: str, whose: str) -> bytes:
    """Return what a state's seal is bound to."""
    return b"twin\x00" + twin.encode() + b"\x00" + whose.encode()

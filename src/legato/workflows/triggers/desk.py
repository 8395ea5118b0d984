"""Triggers of one organisation as people see and steer them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest, NotFound
from legato.storage.triggers.triggers import (
    DISMISSED,
    Letter,
    TriggerName,
    TriggerState,
    What,
)
from legato.workflows.triggers.cloud_events import Event
from legato.workflows.triggers.hooks import KIND as WEBHOOK
from legato.workflows.triggers.hooks import hook_id
from legato.workflows.triggers.intake import Active, Buried, Intake, Order
from legato.workflows.triggers.schedules import Schedules

_NEXT: Final = 3
_SCHEDULE: Final = "schedule"


class TriggerView(msgspec.Struct, frozen=True):
    """How a trigger stands; `active` is None where the version in force has none of its name."""

    state: TriggerState
    active: Active | None
    path: str = ""
    """Where a webhook is sent to."""
    next_ns: Sequence[int] = ()
    """Of a schedule."""


class TriggerDesk:
    """Blocking. Methods may raise StorageUnavailable, NotFound and what their work raises."""

    def __init__(
        self,
        org: str,
        in_force: Callable[[], Sequence[Active]],
        work: tuple[Intake, Schedules],
        require: Callable[[Order], None],
    ) -> None:
        """`require` refuses what couldn't begin."""
        self._org = org
        self._in_force = in_force
        self._intake, self._schedules = work
        self._require = require
        self._store = self._intake.store_of(org)

    def list(self) -> list[TriggerView]:
        """Return all that are in force or were once heard of, by workflow and name."""
        states = {TriggerName(one.workflow, one.name): one for one in self._store.states()}
        active = {one.name: one for one in self._in_force() if one.org == self._org}
        names = sorted(name for name in {*states, *active} if name.name)
        return [
            self._view(
                states.get(name) or TriggerState(workflow=name.workflow, name=name.name),
                active.get(name),
            )
            for name in names
        ]

    def show(self, of: TriggerName) -> TriggerView:
        """Return one. Raises NotFound."""
        found = next((one for one in self.list() if (one.state.workflow, one.state.name) ==
                      (of.workflow, of.name)), None)  # fmt: skip
        if found is None:
            msg = f"The workflow {of.workflow[:140]!r} has no trigger {of.name[:64]!r} in force."
            raise NotFound(msg, param="trigger")
        return found

    def pause(self, of: TriggerName, *, paused: bool) -> TriggerView:
        """Have one rest, or listen again. Raises NotFound."""
        self.show(of)
        self._store.pause(of, paused=paused)
        return self.show(of)

    def backfill(
        self, of: TriggerName, since_ns: int, until_ns: int
    ) -> tuple[dict[str, int], int | None]:
        """Begin runs for the first times of a span.

        Return how many by what came of them, and from when it goes on where there are more.

        Raises:
            InvalidRequest: it is no schedule, or the span isn't in the past.
        """
        active = self._active(of)
        if active.trigger.kind != _SCHEDULE:
            raise InvalidRequest("trigger: only schedules have times", param="trigger")
        if since_ns >= until_ns:
            raise InvalidRequest("since: lies behind `until`", param="since")
        taken, following_ns = self._schedules.backfill(active, since_ns, until_ns)
        counts = Counter(one.what for one in taken)
        self._store.note_backfill(of, counts[What.STARTED])
        return {what.name.lower(): counts[what] for what in What}, following_ns

    def trial(self, of: TriggerName, event: Event) -> tuple[bool, Any]:
        """Say whether an event would begin a run, and with what; none begins.

        Raises:
            InvalidRequest: it couldn't become a run.
        """
        order = self._intake.trial(self._active(of), event)
        if order is None:
            return False, None
        self._require(order)
        return True, order.input

    def letters(
        self, count: int, before_id: str | None, *, state: str, workflow: str
    ) -> Sequence[Letter]:
        """Return messages that became no run, newest first."""
        return self._store.letters(count, before_id, state=state, workflow=workflow)

    def letter(self, letter_id: str) -> tuple[Letter, Buried]:
        """Return one, opened. Raises NotFound, Erased."""
        letter = self._store.letter(letter_id)
        return letter, self._intake.opened(self._org, letter)

    def redrive(self, letter_id: str, event: dict[str, Any] | None) -> Letter:
        """Begin a run of a message, or of what it should have been.

        Raises:
            Conflict: it is settled.
            InvalidRequest: it still can't become a run.
        """
        letter = self._store.letter(letter_id)
        self._intake.redrive(self._active(TriggerName(letter.workflow, letter.name)), letter_id,
                             event)  # fmt: skip
        return self._store.letter(letter_id)

    def dismiss(self, letter_id: str) -> Letter:
        """Say that nothing is to come of a message. Raises NotFound, Conflict."""
        return self._store.settle_letter(letter_id, DISMISSED)

    def _active(self, of: TriggerName) -> Active:
        for active in self._in_force():
            if active.org == self._org and active.name == of:
                return active
        msg = f"The workflow {of.workflow[:140]!r} has no trigger {of.name[:64]!r} in force."
        raise NotFound(msg, param="trigger")

    def _view(self, state: TriggerState, active: Active | None) -> TriggerView:
        path, following = "", list[int]()
        if active is not None and active.trigger.kind == WEBHOOK:
            path = f"/v1/hooks/{hook_id(active)}"
        if active is not None and active.trigger.kind == _SCHEDULE:
            following = self._schedules.next_ns(active, _NEXT)
        return TriggerView(state, active, path, following)

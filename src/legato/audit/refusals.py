"""What was refused, counted until it is recorded: a flood fills neither log nor memory.

Equal refusals are one event with their number. An event is written soon after the first; while
they go on, the wait for the next doubles, and of many different ones the rarest share an event.
"""

import threading
from collections.abc import Callable
from typing import Final

import msgspec

from legato.audit.event import Act, Actor, Detail, Subject

ACTION: Final = "access.refuse"
NOBODY: Final = Actor("nobody", "")
"""Who sent no credential, or one that isn't known: what was sent is recorded nowhere."""
KINDS_MAX: Final = 256
"""Different refusals that are told apart in memory."""
EVENTS_MAX: Final = 16
"""Of one writing; the others share one more."""
FIRST_S: Final = 2.0
LAST_S: Final = 300.0
_OTHERS: Final = "others"


class Refusal(msgspec.Struct, frozen=True):
    """One. `reason` is one of our words (`unknown_credential`, `permission`), no caller's text.

    `subject` is what was asked for: a permission, a login; `org` whose log shows it.
    """

    actor: Actor
    subject: Subject
    reason: str
    org: str = ""


class Counted(msgspec.Struct):
    """How often, from when to when."""

    first_ns: int
    last_ns: int
    times: int = 1
    request_id: str = ""
    """Of the first."""


class Refusals:
    """Of one process; safe between threads."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._counted: dict[Refusal, Counted] = {}
        self._lock = threading.Lock()
        self._wait_s = FIRST_S
        self._written_ns = 0

    def note(self, refusal: Refusal, request_id: str = "") -> None:
        """Count one. Returns at once."""
        now_ns = self._now_ns()
        with self._lock:
            if refusal not in self._counted and len(self._counted) >= KINDS_MAX:
                refusal, request_id = _rest(), ""
            found = self._counted.get(refusal)
            if found is None:
                self._counted[refusal] = Counted(now_ns, now_ns, 1, request_id)
            else:
                found.times += 1
                found.last_ns = now_ns

    def due(self) -> bool:
        """Whether it is time to write what was counted."""
        waited_s = (self._now_ns() - self._written_ns) / 1e9
        with self._lock:
            if self._counted:
                return waited_s >= self._wait_s
            if waited_s >= 2 * self._wait_s:
                self._wait_s = FIRST_S  # it has been quiet
            return False

    def take(self) -> list[tuple[Refusal, Counted]]:
        """Return what was counted, the most frequent first, and begin anew."""
        with self._lock:
            found, self._counted = self._counted, {}
            self._written_ns = self._now_ns()
            self._wait_s = min(2 * self._wait_s, LAST_S)
        rest = found.pop(_rest(), None)
        ordered = sorted(found.items(), key=lambda one: -one[1].times)
        shown, others = ordered[:EVENTS_MAX], [one for _, one in ordered[EVENTS_MAX:]]
        if rest is not None:
            others.append(rest)
        if others:
            shown.append((_rest(), _together(others)))
        return shown

    def put_back(self, taken: list[tuple[Refusal, Counted]]) -> None:
        """Count again what couldn't be written."""
        with self._lock:
            for refusal, counted in taken:
                found = self._counted.get(refusal)
                self._counted[refusal] = counted if found is None else _together([counted, found])


def act_of(refusal: Refusal, counted: Counted) -> Act:
    """Return what is recorded."""
    details: dict[str, Detail] = {
        "reason": refusal.reason,
        "times": counted.times,
        "first_ns": counted.first_ns,
        "last_ns": counted.last_ns,
    }
    return Act(refusal.org, ACTION, refusal.subject, "refused", details=details)


def _rest() -> Refusal:
    return Refusal(NOBODY, Subject("request", ""), _OTHERS)


def _together(parts: list[Counted]) -> Counted:
    return Counted(
        min(one.first_ns for one in parts),
        max(one.last_ns for one in parts),
        sum(one.times for one in parts),
        parts[0].request_id,
    )

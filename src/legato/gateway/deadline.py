"""Deadlines over tasks' work: what asyncio.timeout does, without a timer for each."""

import asyncio
from functools import partial

_TIMER_SLACK_S = 0.001
"""uvloop's timers and clock have millisecond steps."""


class Deadline:
    """Cancels a task after a time, unless cancelled itself before."""

    __slots__ = ("_line", "_task", "due_s", "passed")

    def __init__(self, task: asyncio.Task[object], due_s: float, line: "_Line") -> None:
        self._task = task
        self._line = line
        self.due_s = due_s
        self.passed = False
        """Whether the time is over."""

    def expired(self) -> bool:
        """Tell, once cancelled, whether this deadline alone was the reason.

        False when somebody else cancelled the task, too: then the cancellation must go on.
        """
        return self.passed and self._task.uncancel() == 0

    def cancel(self) -> None:
        """Stop the clock."""
        self._line.pop(self, None)

    def expire(self) -> None:
        """Cancel the task: its time is over."""
        self.passed = True
        self._task.cancel()


_Line = dict[Deadline, None]
"""Deadlines of one length in the order they were set, which is that in which they come due."""


class Deadlines:
    """The deadlines of one event loop: one timer for all of a length, armed for the eldest."""

    def __init__(self) -> None:
        self._lines: dict[float, _Line] = {}
        self._armed: set[float] = set()

    def start(self, after_s: float) -> Deadline:
        """Set a deadline for the running task."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            msg = "a deadline needs a running task"
            raise RuntimeError(msg)
        line = self._lines.get(after_s)
        if line is None:
            line = self._lines[after_s] = {}
        due_s = loop.time() + after_s
        deadline = Deadline(task, due_s, line)
        line[deadline] = None
        if after_s not in self._armed:
            self._armed.add(after_s)
            loop.call_at(due_s, partial(self._look, loop, after_s))
        return deadline

    def _look(self, loop: asyncio.AbstractEventLoop, after_s: float) -> None:
        """End what is due, and look again when the next one is."""
        line, now_s = self._lines[after_s], loop.time() + _TIMER_SLACK_S
        due = []
        for deadline in line:
            if deadline.due_s > now_s:
                loop.call_at(deadline.due_s, partial(self._look, loop, after_s))
                break
            due.append(deadline)
        else:
            self._armed.discard(after_s)
        for deadline in due:
            del line[deadline]
            deadline.expire()

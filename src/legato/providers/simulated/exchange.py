"""One booked call on its way out: waits, sends, and closes its line in the book exactly once."""

import asyncio
from typing import Protocol

from legato.providers.simulated.book import Book, Outcome
from legato.providers.simulated.plans import Plan
from legato.providers.simulated.responses import LAST_CHUNK, chunk, head, rendered
from legato.providers.simulated.settings import CutStyle
from legato.providers.simulated.sse import split_point
from legato.providers.simulated.usage import NOTHING, Usage


class Line(Protocol):
    """The connection, as an exchange sees it."""

    writing_paused: (
        bool  # the client reads too slowly; `Exchange.resume` is called when it caught up
    )

    def write(self, data: bytes) -> None:
        """Queue bytes."""

    def release(self) -> None:
        """The response is complete: the connection may read the next request."""

    def cut(self, style: CutStyle) -> None:
        """End the connection early, by `reset` or by `close`."""


class Exchange:
    """Sends one plan's response over a line."""

    def __init__(self, line: Line, plan: Plan, book: Book, loop: asyncio.AbstractEventLoop) -> None:
        self._line = line
        self._plan = plan
        self._book = book
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._is_waiting_for_client = False
        self._is_begun = False
        self._is_over = False
        self._tokens = self._reasoning = 0
        self._next_s = 0.0

    def start(self) -> None:
        """Begin, at once or after the plan's wait."""
        if self._plan.wait_s > 0:
            self._timer = self._loop.call_later(self._plan.wait_s, self._begin)
        else:
            self._begin()

    def resume(self) -> None:
        """The client has read enough for more to be sent."""
        if self._is_waiting_for_client:
            self._is_waiting_for_client = False
            self._pump()

    def abandon(self, outcome: Outcome) -> None:
        """The client is gone, or the server stops: bill what was produced. Harmless afterwards."""
        if not self._is_over:
            self._finish(outcome, self._produced())

    def _begin(self) -> None:
        self._is_begun = True
        if self._plan.events is None:
            self._send_whole()
            return
        response = self._plan.response
        self._line.write(head(response.status, response.content_type, response.headers, None))
        self._next_s = self._loop.time()
        if self._plan.faults.cut_after_events == 0:
            self._cut()
        else:
            self._pump()

    def _send_whole(self) -> None:
        data = rendered(self._plan.response)
        middle = len(data) - len(self._plan.response.body) // 2 - 1
        faults = self._plan.faults
        if faults.cut_after_events is not None:
            self._line.write(data[:middle])
            self._finish("cut", self._plan.usage)
            self._line.cut("reset" if faults.cut_style == "reset" else "close")
        elif faults.stall_mid_stream_s:
            self._line.write(data[:middle])
            self._timer = self._loop.call_later(
                faults.stall_mid_stream_s, self._send_last, data[middle:]
            )
        else:
            self._send_last(data)

    def _send_last(self, data: bytes) -> None:
        # The book first: whoever has read the answer finds the call finished.
        self._finish(self._plan.outcome, self._plan.usage)
        self._line.write(data)
        self._line.release()

    def _pump(self) -> None:
        """Send events until a gap, a stall, a slow client, a cut or the end."""
        events = self._plan.events
        assert events is not None  # noqa: S101 - an invariant: only streams are pumped
        faults, gap_s, record = self._plan.faults, self._plan.gap_s, self._plan.record
        for event in events:
            record.events += 1
            self._tokens += event.tokens
            self._reasoning += event.reasoning
            self._write_event(event.data)
            if record.events == faults.cut_after_events:
                self._cut()
                return
            if record.events == faults.stall_after_events:
                self._next_s = self._loop.time() + faults.stall_mid_stream_s
                self._timer = self._loop.call_at(self._next_s, self._pump)
                return
            if gap_s and event.tokens > event.reasoning:
                # Off the schedule's start, not off now, so lateness does not add up.
                self._next_s += gap_s
                self._timer = self._loop.call_at(self._next_s, self._continue)
                return
            if self._line.writing_paused:
                self._is_waiting_for_client = True
                return
        self._send_last(LAST_CHUNK)

    def _continue(self) -> None:
        if self._line.writing_paused:
            self._is_waiting_for_client = True
        else:
            self._pump()

    def _write_event(self, data: bytes) -> None:
        if self._plan.framing == "split":
            at = split_point(data)
            self._line.write(chunk(data[:at]))
            self._line.write(chunk(data[at:]))
        else:
            self._line.write(chunk(data))

    def _cut(self) -> None:
        style = self._plan.faults.cut_style
        self._finish("cut", self._produced())
        if style == "error_event":
            self._line.write(chunk(self._plan.error_event))
        if style in {"error_event", "eof"}:
            self._line.write(LAST_CHUNK)
            self._line.release()
        else:
            self._line.cut(style)

    def _produced(self) -> Usage:
        """What was produced so far: nothing before the first byte."""
        if not self._is_begun:
            return NOTHING
        whole = self._plan.usage
        if self._plan.events is None:
            return whole
        return Usage(whole.prompt, whole.cached, whole.cache_write, self._tokens, self._reasoning)

    def _finish(self, outcome: Outcome, usage: Usage) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        record = self._plan.record
        self._book.finished(record, outcome, self._plan.response.status, usage)

"""Holds back as much of a running text as something forbidden may still be hiding in."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from legato.core.errors import OutputBlocked, OutputInvalid
from legato.core.guard_output import OnOutput
from legato.core.guarding import BREAK, Finding, Place
from legato.guardrails.outputs.finder import Finder
from legato.guardrails.outputs.findings import Found, Noticed

MARK: Final = "[withheld]"
CONTEXT_CHARS: Final = 64
"""Kept of what has gone out, for what stands before a finding to be seen."""
HELD_MAX: Final = 8_192
"""Characters. Something forbidden that is longer is acted on before its end is known."""
STEPS: Final = 8
"""What is held is looked through once for each such part of it that comes."""


class Watch(NamedTuple):
    """A check, what it looks for, and what is done then."""

    check: str
    finder: Finder
    action: OnOutput
    enforced: bool = True
    """Otherwise it is only written down."""
    places: frozenset[Place] = frozenset({Place.OUTPUT, Place.TOOL_CALL})
    origin: Any = None
    """The policy and the rule that it is of; samples name them."""


class HoldBack:
    """A TextFilter over one text of an answer.

    Nothing leaves before each finder has seen what could make a finding of it. With `pass_on`
    all leaves at once, and what is found is only written down. Where the text is of several
    blocks, they are looked through as one, and each by itself: words may be cut in two by the end
    of a block, or stand at it.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        found: Found,
        *,
        where: str,
        window: int,
        now_ms: Callable[[], float],
        pass_on: bool = False,
        at_end: bool = False,
    ) -> None:
        """`window` is in characters; `where` names the text in findings.

        With `at_end` all of it is held, and looked through once.
        """
        self._at_end = at_end
        self._watches = watches
        self._found = found
        self._where = where
        self._step = max(1, window // STEPS)
        self._now_ms = now_ms
        self._pass_on = pass_on
        self._text = ""  # what has gone out last, then what is held
        self._gone = 0  # of it
        self._offset = 0  # of its first character in the whole text
        self._breaks: list[int] = []  # where blocks end in it
        self._told_breaks = 0  # of these, that have gone out
        self._new: list[str] = []
        self._new_chars = 0
        self._arrived: deque[tuple[int, float]] = deque()  # up to which character, when
        self._all: list[str] = []  # of the text, where samples of it may be kept
        found.open += 1

    def feed(self, text: str) -> str:
        """Return what may go on now. Raises OutputBlocked, OutputInvalid."""
        self._new.append(text)
        self._new_chars += len(text)
        if self._at_end:
            return ""
        passed = ""
        if BREAK in text or self._new_chars >= max(self._step, len(self._text) // STEPS):
            passed = self._look(final=False)
        return text if self._pass_on else passed

    def end(self) -> str:
        """Return what was held back. Raises OutputBlocked, OutputInvalid."""
        rest = self._look(final=True)
        self._found.open -= 1
        self._found.ended += 1
        return "" if self._pass_on else rest

    def _look(self, *, final: bool) -> str:
        text = self._taken()
        began_ms = self._now_ms()
        self._arrived.append((self._offset + len(text), began_ms))
        hits = self._hits(text)
        cut = len(text)
        if not final:
            cut = self._cut(text, hits)
        edits: list[tuple[int, int]] = []
        for hit, watch in hits:
            if hit.start < cut:
                self._act(watch, hit, edits)
        passed = self._passed(text, cut, edits)
        self._let_go(cut)
        self._found.check_ms += self._now_ms() - began_ms
        return passed

    def _taken(self) -> str:
        """Return what is held with what has come since."""
        new = "".join(self._new)
        self._new, self._new_chars = [], 0
        if self._found.keeps_text:
            self._all.append(new.replace(BREAK, ""))
        for block in new.split(BREAK)[:-1] if BREAK in new else ():
            self._text += block
            self._breaks.append(len(self._text))
        self._text += new.rpartition(BREAK)[2]
        return self._text

    def _hits(self, text: str) -> list[tuple[Finding, Watch]]:
        """Return what was not already acted on, in order."""
        hits = [
            (hit, watch)
            for watch in self._watches
            for hit in self._found_by(watch, text)
            if hit.end > self._gone
        ]
        hits.sort(key=lambda each: each[0].start)
        return hits

    def _found_by(self, watch: Watch, text: str) -> Sequence[Finding]:
        found = watch.finder.find(text)
        if not self._breaks:
            return found
        every = {(one.start, one.end, one.label): one for one in found}
        for start, end in pairwise([0, *self._breaks, len(text)]):
            for one in watch.finder.find(text[start:end]) if start < end else ():
                moved = replace(one, start=one.start + start, end=one.end + start)
                every.setdefault((moved.start, moved.end, moved.label), moved)
        return list(every.values())

    def _open_from(self, watch: Watch, text: str) -> int:
        opened = watch.finder.open_from(text)
        if not self._breaks:
            return opened
        last = self._breaks[-1]
        return min(opened, last + watch.finder.open_from(text[last:]))

    def _cut(self, text: str, hits: list[tuple[Finding, Watch]]) -> int:
        """Return up to where all is known: nothing before it will be found later, or change."""
        cut = min([len(text), *(self._open_from(watch, text) for watch in self._watches)])
        for hit, _ in reversed(hits):
            if hit.start < cut and (hit.end > cut or hit.end == len(text)):
                cut = hit.start
        if len(text) - cut > HELD_MAX:  # acted on as far as it is known
            cut = len(text) - HELD_MAX
            cut = max([cut, *(hit.end for hit, _ in hits if hit.start < cut)])
        return max(cut, self._gone)

    def _act(self, watch: Watch, hit: Finding, edits: list[tuple[int, int]]) -> None:
        action, enforced = watch.action, watch.enforced and not self._pass_on
        said = action.value if enforced else f"{action.value}:not_enforced"
        span = self._offset + hit.start, self._offset + hit.end
        self._found.add(f"{watch.check}.{hit.label.lower()}", said, self._where, span)
        if not enforced or action is OnOutput.FLAG:
            placed = replace(hit, start=span[0], end=span[1])
            self._found.notice(Noticed(watch.origin, placed, self._where, self._all))
            return
        self._found.withheld.add(self._where)
        if action is OnOutput.REDACT:
            edits.append((hit.start, hit.end))
        elif action is OnOutput.REASK:
            raise OutputInvalid(f"The answer holds what {watch.check} forbids.")
        else:
            raise OutputBlocked(f"The answer was withheld: {watch.check} found what it forbids.")

    def _passed(self, text: str, cut: int, edits: list[tuple[int, int]]) -> str:
        """Return what goes out, with the ends of blocks where they are."""
        parts, start = [], self._gone
        for end in self._breaks[self._told_breaks :]:
            if end > cut:
                break
            parts.append(_edited(text, start, end, edits))
            self._told_breaks += 1
            start = end
        parts.append(_edited(text, start, cut, edits))
        return BREAK.join(parts)

    def _let_go(self, cut: int) -> None:
        now_ms = self._now_ms()
        while self._arrived and self._arrived[0][0] <= self._offset + cut:
            self._found.held(now_ms - self._arrived.popleft()[1])
        kept_from = max(0, cut - CONTEXT_CHARS)
        self._text = self._text[kept_from:]
        self._offset += kept_from
        self._gone = cut - kept_from
        if self._breaks:
            kept = [one - kept_from for one in self._breaks if one > kept_from]
            self._told_breaks -= len(self._breaks) - len(kept)
            self._breaks = kept


def _edited(text: str, start: int, end: int, edits: list[tuple[int, int]]) -> str:
    """Return a stretch of a text, MARK in the place of what is edited out."""
    parts: list[str] = []
    at = start
    for first, last in edits:
        if last <= at or first >= end:
            continue
        if first > at or not parts or parts[-1] != MARK:
            parts += [text[at : max(first, at)], MARK]
        at = last
    parts.append(text[at:end])
    return "".join(parts)

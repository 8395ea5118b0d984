"""Cases from captured traffic: what was asked, and the answer somebody was content with."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from legato.core.captured import CapturedContent, CapturedHead
from legato.core.errors import InvalidRequest
from legato.core.feedback import Outcome, Thumbs
from legato.core.origin import Origin
from legato.insights.answers import NoText, answer_text

_OK = 200
_REFUSED = {Outcome.REJECTED, Outcome.WRONG_HIT}
Asked = Callable[[str, dict[str, Any]], Sequence[dict[str, Any]]]
"""Returns a request's messages, by its surface. Raises InvalidRequest."""


class Captured(Protocol):
    """A captured request, opened."""

    @property
    def head(self) -> CapturedHead:
        """What is known of it."""
        ...

    @property
    def content(self) -> CapturedContent:
        """What was sent and answered."""
        ...

    @property
    def body(self) -> dict[str, Any]:
        """What was asked, a rendered prompt included."""
        ...


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What one person made of an answer."""

    thumbs: str | None = None
    outcome: str | None = None
    score: float | None = None
    correction: Any = None


class Liked(msgspec.Struct, frozen=True, kw_only=True):
    """Which answers are good enough. With nothing set, all are.

    A correction takes the answer's place where `corrections` says so.
    """

    accepted: bool = False
    thumbs_up: bool = False
    score_min: float | None = None
    corrections: bool = False

    @property
    def asks(self) -> bool:
        """Whether feedback decides."""
        return self != Liked()

    def admits(self, words: Sequence[Word]) -> bool:
        """Whether somebody liked it, and nobody said the contrary of what is asked for."""
        return any(self._admits(one) for one in words) and not any(
            one.outcome in _REFUSED or one.thumbs == Thumbs.DOWN for one in words
        )

    def _admits(self, word: Word) -> bool:
        return (
            (self.accepted and word.outcome == Outcome.ACCEPTED)
            or (self.thumbs_up and word.thumbs == Thumbs.UP)
            or (
                self.score_min is not None
                and word.score is not None
                and word.score >= self.score_min
            )
        )


class Collection:
    """Goes through captured requests; `left_out` counts why some are no cases."""

    def __init__(self, asked: Asked, words: Callable[[str], Sequence[Word]], liked: Liked) -> None:
        """`words` returns what was said of a request."""
        self._asked = asked
        self._words = words
        self._liked = liked
        self.left_out: Counter[str] = Counter()

    def cases(self, captured: Iterable[Captured]) -> Iterator[Mapping[str, Any]]:
        """Yield cases as they are written in a file of cases."""
        for one in captured:
            try:
                yield self._case(one)
            except NoText as reason:
                self.left_out[f"its answer {reason}"] += 1
            except _LeftOut as reason:
                self.left_out[str(reason)] += 1

    def _case(self, one: Captured) -> Mapping[str, Any]:
        head, content = one.head, one.content
        if head.http_status != _OK:
            raise _LeftOut("it failed")
        if not (content.rendered or content.request):
            raise _LeftOut("it was too large to be captured whole")
        expected = self._expected(head.request_id)
        if expected is None:
            expected = answer_text(head.surface, content.answer, frames=content.frames)
        try:
            messages = self._asked(head.surface, one.body)
        except InvalidRequest:
            raise _LeftOut("it is no chat") from None
        tags = [tag for tag in (head.feature, head.route, head.versions) if tag]
        return {
            "id": head.request_id,
            "input": {"messages": list(messages)},
            "expected": expected,
            "tags": tags,
            "origin": msgspec.to_builtins(Origin(head.request_id, head.end_user)),
        }

    def _expected(self, request_id: str) -> Any:
        """Return the correction that takes the answer's place, None for the answer itself."""
        if not self._liked.asks:
            return None
        words = self._words(request_id)
        if self._liked.corrections:
            corrections = [one.correction for one in words if one.correction is not None]
            if corrections:
                return corrections[-1]
        if not self._liked.admits(words):
            raise _LeftOut("nobody was content with it")
        return None


class _LeftOut(Exception):
    """Why a request is no case."""

"""Takes what a scan finds out of a captured request and its answer, before either is sealed.

It runs in the thread that seals. What it can't read it leaves out, and says that it isn't complete.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from legato.core.errors import LegatoError
from legato.core.guarding import Channel, Finding, TextFilter
from legato.core.wire import Operation
from legato.gateway.guards.answers import DialectAnswer, answer_of
from legato.gateway.guards.channels import Texts
from legato.guardrails.labelling import LabellingFilter, labelled_body
from legato.providers import sse

if TYPE_CHECKING:
    from legato.gateway.context import Call

Find = Callable[[str], Sequence[Finding]]
_TEXTLESS: Final = frozenset({Operation.EMBEDDINGS})
_UNREADABLE: Final = (
    LegatoError, msgspec.DecodeError, AttributeError, KeyError, IndexError, TypeError, ValueError,
)  # fmt: skip
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Contents(NamedTuple):
    """What is to be kept of a call; `rendered` is a body still to be encoded."""

    request: bytes
    rendered: dict[str, Any] | None
    answer: bytes
    complete: bool


class Labelling:
    """One call's dialect, for when its capture is prepared."""

    def __init__(self, call: "Call") -> None:
        """Take what is needed of a call that has ended."""
        self._textless = call.surface.operation in _TEXTLESS
        self._find: Find = _nothing
        self._answer: DialectAnswer | None = answer_of(call, Texts([self._filter]))

    def labelled(self, contents: Contents, find: Find, *, frames: bool) -> Contents:
        """Return what may be kept; a part that can't be read is left out."""
        self._find = find
        complete = contents.complete
        request, rendered, answer = b"", None, b""
        try:
            if contents.request:
                request = _encode(labelled_body(_decode(contents.request), find))
            if contents.rendered is not None:
                rendered = labelled_body(contents.rendered, find)
        except _UNREADABLE:
            request, rendered, complete = b"", None, False
        try:
            answer = self._labelled_answer(contents.answer, frames=frames)
        except _UNREADABLE:
            complete = False
        complete = complete and bool(answer) == bool(contents.answer)
        return Contents(request, rendered, answer, complete)

    def _labelled_answer(self, answer: bytes, *, frames: bool) -> bytes:
        if not answer or self._textless:
            return answer
        if self._answer is None:
            return b""
        if frames:
            return b"".join(map(self._answer.event, sse.split(answer)))
        whole: dict[str, Any] = _decode(answer)
        return _encode(self._answer.whole(whole))

    def _filter(self, _channel: Channel) -> TextFilter:
        return LabellingFilter(self._find)


def _nothing(_text: str) -> Sequence[Finding]:
    raise AssertionError("nothing looks before the offer is labelled")

"""The text blocks of one answer as one text: what begins in one may end in the next.

As long as the end of a block is held back, the frames behind it wait, so that what goes out is in
its order. Where no check holds anything, nothing waits.
"""

from collections import deque
from collections.abc import Callable, Hashable

from legato.core.guarding import BREAK, Channel
from legato.gateway.guards.channels import Texts

Frame = Callable[[], bytes]
"""Makes a frame when its turn has come."""
_REPLACED = "\ufffd"


class Joined:
    """A text that goes over blocks, each known by a key of the dialect's."""

    def __init__(
        self, texts: Texts, channel: Channel, delta: Callable[[Hashable, str], bytes]
    ) -> None:
        """`delta` makes the frame that tells more of a block."""
        self._texts = texts
        self._channel = channel
        self._delta = delta
        self._current: Hashable = None
        self._blocks: deque[Hashable] = deque()  # whose text hasn't all gone out
        self._waiting: deque[list[Frame]] = deque()  # behind the end of each block
        self.told: dict[Hashable, str] = {}
        """What has gone out of each block."""

    @property
    def changed(self) -> bool:
        """Whether what has gone out isn't what came."""
        text = self._texts.known(self._channel)
        return text is not None and text.changed

    def feed(self, block: Hashable, text: str, as_it_came: bytes = b"") -> bytes:
        """Return the frames that may go out; `as_it_came` where that says the same."""
        out = b""
        if block != self._current:
            out = self.end(self._current)
            as_it_came = b"" if out else as_it_came
            self._current = block
            self._blocks.append(block)
            self.told.setdefault(block, "")
        if BREAK in text:
            text, as_it_came = text.replace(BREAK, _REPLACED), b""
        passed = self._texts.feed(self._channel, text)
        if passed == text and as_it_came and not self._waiting:
            self.told[block] += text
            return as_it_came
        return out + self._out(passed)

    def whole(self, blocks: dict[Hashable, str]) -> None:
        """Take blocks that are there as a whole: `told` has then what goes out of them."""
        plain = [one.replace(BREAK, _REPLACED) for one in blocks.values()]
        passed = self._texts.feed(self._channel, BREAK.join(plain))
        passed += self._texts.end(self._channel)
        self.told = dict(zip(blocks, passed.split(BREAK), strict=True))

    def end(self, block: Hashable) -> bytes:
        """Take the end of a block. What `then` is told afterwards goes out behind it."""
        if block is None or block != self._current:
            return b""
        self._current = None
        self._waiting.append([])
        return self._out(self._texts.feed(self._channel, BREAK))

    def then(self, frame: Frame) -> bytes:
        """Return a frame, or keep it until the text before it has gone out."""
        if not self._waiting:
            return frame()
        self._waiting[-1].append(frame)
        return b""

    def close(self) -> bytes:
        """Return all that was held back; what comes after this is another text."""
        if not self._blocks:
            return b""
        out = self.end(self._current) + self.finish()
        self._channel = self._channel._replace(number=self._channel.number + 1)
        return out

    def finish(self) -> bytes:
        """Return all that was held back, now that no text follows."""
        out = self._out(self._texts.end(self._channel))
        while self._waiting:
            out += self._behind()
        return out

    @property
    def is_open(self) -> bool:
        """Whether there is text of which more may come, or go out."""
        return bool(self._blocks)

    def _out(self, passed: str) -> bytes:
        frames: list[bytes] = []
        for number, piece in enumerate(passed.split(BREAK)):
            if number:
                frames.append(self._behind())
            if piece:
                block = self._blocks[0]
                self.told[block] += piece
                frames.append(self._delta(block, piece))
        return b"".join(frames)

    def _behind(self) -> bytes:
        self._blocks.popleft()
        return b"".join([frame() for frame in self._waiting.popleft()])


def joined(texts: Texts, channel: Channel, blocks: list[str]) -> list[str]:
    """Return blocks that are there as a whole, passed on as one text."""
    plain = [one.replace(BREAK, _REPLACED) for one in blocks]
    return texts.whole(channel, BREAK.join(plain)).split(BREAK)

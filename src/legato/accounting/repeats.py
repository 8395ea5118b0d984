"""How many calls of a log were paid for again: identical questions, and nearly identical ones.

Identical is counted over the whole file by digests that go to disk in parts, so a log of any size
takes bounded memory. Near is looked for among the newest distinct questions alone, and is a
likelihood by a model, not a count; both are said apart. No text outlives the measurement.
"""

import hashlib
import struct
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Final

import msgspec

from legato.accounting.imports.reader import Asked
from legato.accounting.imports.row import UsageRow
from legato.matching.questions import Question, prepare
from legato.matching.verifier import Verifier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RECORD: Final = struct.Struct("<16sqqB")
_PARTS: Final = 64
_DAY_MS: Final = 86_400_000
WINDOW: Final = 8_000
"""Distinct questions among which near ones are looked for."""
_TEXT_MAX: Final = 2_000
_BLOCK: Final = 512
_NEAREST: Final = 4
_SIMILAR: Final = 0.6
LIKELY: Final = (0.95, 0.9, 0.8)
"""Scores from which two questions count as one: low, middle and high of the range."""
NANO_UNKNOWN: Final = -(2**63)
Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]


class DayRepeats(msgspec.Struct, frozen=True):
    """One day (UTC): calls, those whose very question had been paid for before, their cost."""

    day_ms: int
    calls: int
    repeated: int
    cost: int
    repeated_cost: int


class Near(msgspec.Struct, frozen=True):
    """Among `looked_at` distinct questions, how many an earlier one would have served."""

    looked_at: int
    low: int
    middle: int
    high: int
    embedder: str


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """What a log shows. Costs are nano of its currency, of calls that say one."""

    calls: int
    """That say what was asked; others can't be told to repeat."""
    unseen: int
    """Calls whose content the log doesn't keep."""
    repeated: int
    within_s: int
    """A question that comes again later than so is not counted: no cache keeps it for ever."""
    cost: int
    repeated_cost: int
    days: list[DayRepeats]
    near: Near | None = None


class RepeatCounter:
    """Takes calls one by one; `result` reads what was written to disk."""

    def __init__(self, folder: Path | None = None, *, within_s: int = 86_400) -> None:
        self._folder = TemporaryDirectory(prefix="legato-repeats-", dir=folder)
        root = Path(self._folder.name)
        self._files: list[IO[bytes]] = [
            (root / f"{part:02d}").open("w+b", buffering=1 << 16) for part in range(_PARTS)
        ]
        self._within_ms = within_s * 1000
        self._newest: deque[tuple[bytes, str]] = deque(maxlen=WINDOW)
        self.unseen = 0

    def add(self, row: UsageRow, asked: Asked | None) -> None:
        """Count a call. One that the other gateway had cached already was not paid for again."""
        if asked is None:
            self.unseen += 1
            return
        context = hashlib.blake2b(asked.context.encode("utf-8", "replace"), digest_size=8).digest()
        question = hashlib.blake2b(plain(asked.question).encode(), digest_size=16, key=context)
        digest = question.digest()
        cost = NANO_UNKNOWN if row.cost is None else row.cost
        free = row.tags.get("cache_hit") == "true"
        record = _RECORD.pack(digest, row.start_ms, cost, free)
        self._files[digest[0] % _PARTS].write(record)
        self._newest.append((context, asked.question[:_TEXT_MAX]))

    def result(self, embed: Embed | None = None, embedder: str = "") -> Repeats:
        """Return what repeats; with `embed` also what nearly does."""
        days: dict[int, list[int]] = {}
        for at_ms, cost, repeated in self._calls():
            day = days.setdefault(at_ms - at_ms % _DAY_MS, [0, 0, 0, 0])
            known = 0 if cost == NANO_UNKNOWN else cost
            day[0] += 1
            day[1] += repeated
            day[2] += known
            day[3] += known if repeated else 0
        found = [DayRepeats(day, *counts) for day, counts in sorted(days.items())]
        near = None
        if embed is not None and self._newest:
            near = near_repeats(list(self._newest), embed, embedder)
        return Repeats(
            calls=sum(day.calls for day in found),
            unseen=self.unseen,
            repeated=sum(day.repeated for day in found),
            within_s=self._within_ms // 1000,
            cost=sum(day.cost for day in found),
            repeated_cost=sum(day.repeated_cost for day in found),
            days=found,
            near=near,
        )

    def close(self) -> None:
        """Take away what lies on the disk."""
        for file in self._files:
            file.close()
        self._folder.cleanup()

    def _calls(self) -> Iterator[tuple[int, int, bool]]:
        for file in self._files:
            file.flush()
            file.seek(0)
            records = sorted(_RECORD.iter_unpack(file.read()))
            before, paid_ms = b"", 0
            for digest, at_ms, cost, free in records:
                again = digest == before and at_ms - paid_ms <= self._within_ms
                yield at_ms, cost, again and not free
                if digest != before or not again:
                    before, paid_ms = digest, at_ms


def plain(text: str) -> str:
    """Return a question as it is compared: one form of each character, blanks made one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def near_repeats(asked: Sequence[tuple[bytes, str]], embed: Embed, embedder: str) -> Near:
    """Tell how many of some questions an earlier one of the same context would have served.

    Identical ones are left out: they are counted apart.
    """
    by_context: dict[bytes, dict[str, str]] = {}
    for context, text in asked:
        by_context.setdefault(context, {}).setdefault(plain(text), text)
    verifier = Verifier.of(embedder)
    looked, counts = 0, [0, 0, 0]
    for texts in by_context.values():
        looked += len(texts)
        if len(texts) > 1:
            for score in _scores(list(texts.values()), embed, verifier):
                for place, bound in enumerate(LIKELY):
                    counts[place] += score >= bound
    return Near(looked, counts[0], counts[1], counts[2], embedder)


def _scores(texts: Sequence[str], embed: Embed, verifier: Verifier) -> Iterator[float]:
    """Yield for each text but the first how likely its likeliest forerunner answers it."""
    import numpy as np  # noqa: PLC0415 - an extra

    vectors = embed(texts)
    questions: list[Question] = [prepare(text) for text in texts]
    for start in range(0, len(texts), _BLOCK):
        block = vectors[start : start + _BLOCK] @ vectors[: start + _BLOCK].T
        for offset, similarities in enumerate(block):
            place = start + offset
            earlier = similarities[:place]
            best = np.argsort(earlier)[-_NEAREST:]
            yield max(
                (
                    verifier.score(questions[place], questions[one], float(earlier[one]))
                    for one in best
                    if earlier[one] >= _SIMILAR
                ),
                default=0.0,
            )

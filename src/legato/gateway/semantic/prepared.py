"""Questions as they are compared, each read once, in bounded memory."""

from typing import TYPE_CHECKING, Final

from legato.matching.questions import prepare

if TYPE_CHECKING:
    from legato.cache.semantic.entry import Entry
    from legato.matching.questions import Question

SIZE_MAX: Final = 1_000_000
"""Of all together: characters, and `_EACH` for each. Measured: some 35 bytes for each of them."""
_EACH: Final = 50


class Prepared:
    """Questions of entries, by the entries' ids."""

    def __init__(self) -> None:
        self._held: dict[str, Question] = {}
        self.size = 0

    def of(self, entry: "Entry") -> "Question":
        """Return an entry's question."""
        held = self._held.get(entry.id)
        if held is not None:
            return held
        question = prepare(entry.text)
        self.take(entry, question)
        return question

    def take(self, entry: "Entry", question: "Question") -> None:
        """Hold the question of an entry that isn't held, read elsewhere."""
        size = len(entry.text) + _EACH
        if self.size + size > SIZE_MAX:
            self._held.clear()
            self.size = 0
        self.size += size
        self._held[entry.id] = question

"""Things given in confidence that an answer says: planted texts, masked values, system prompts.

What is compared is letters and digits alone, in any case, so that spacing and invisible characters
hide nothing. A leak that is translated, paraphrased or encoded is not found.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from legato.core.guarding import Finding
from legato.guardrails.outputs.folding import Offsets, folded

CANARY: Final = "CANARY"
REDACTED_VALUE: Final = "REDACTED_VALUE"
SYSTEM_PROMPT: Final = "SYSTEM_PROMPT"
FOLDED_MIN: Final = 4
"""Of a value's letters and digits: fewer stand everywhere."""
PROMPT_WORDS_MAX: Final = 20_000
_POSITIONS_MAX: Final = 64
"""Of one word in a prompt: what stands more often begins no fragment."""
_WORD: Final = re.compile(r"\w+")


class TextFinder:
    """Finds given texts, whatever stands between their letters.

    With `whole` only where no letter or digit stands right before or behind.
    """

    def __init__(self, texts: Iterable[str], label: str, *, whole: bool = False) -> None:
        """Texts of fewer than FOLDED_MIN letters and digits are left out."""
        wanted = {folded(one) for one in texts}
        self._wanted = sorted((one for one in wanted if len(one) >= FOLDED_MIN), key=len)
        self._wanted.reverse()
        self._label = label
        self._whole = whole

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._wanted)

    def find(self, text: str) -> Sequence[Finding]:
        """Return where they stand; a longer one before those within it."""
        flat = folded(text)
        if not any(one in flat for one in self._wanted):
            return ()
        offsets = Offsets(text)
        found: list[Finding] = []
        for one in self._wanted:
            at = flat.find(one)
            while at >= 0:
                start, end = offsets.start(at), offsets.end(at + len(one))
                if not (self._whole and _is_within_word(text, start, end)) and not any(
                    start < other.end and other.start < end for other in found
                ):
                    found.append(Finding(self._label, start, end, 1.0, "leaks"))
                at = flat.find(one, at + 1)
        return sorted(found, key=lambda each: each.start)

    def open_from(self, text: str) -> int:
        """Return where the longest beginning of one stands at the text's end."""
        flat = folded(text)
        begun = max((_overlap(flat, one) for one in self._wanted), default=0)
        if begun:
            return Offsets(text).start(len(flat) - begun)
        return len(text)


class PromptFinder:
    """Finds `words` or more successive words of a prompt, and all that follow of it."""

    def __init__(self, prompt: str, words: int) -> None:
        """Only the first PROMPT_WORDS_MAX words of a prompt are known."""
        self._needed = words
        self._positions: dict[str, list[int]] = {}
        for place, match in enumerate(_WORD.finditer(prompt)):
            if place >= PROMPT_WORDS_MAX:
                break
            places = self._positions.setdefault(match[0].casefold(), [])
            if len(places) < _POSITIONS_MAX:
                places.append(place)
        self._known = sum(map(len, self._positions.values()))

    def __bool__(self) -> bool:
        """Whether the prompt is long enough to be recognised."""
        return self._known >= self._needed

    def find(self, text: str) -> Sequence[Finding]:
        """Return the runs that are long enough."""
        return self._runs(text)[0]

    def open_from(self, text: str) -> int:
        """Return where the longest run at the text's end begins, its last word perhaps cut."""
        return self._runs(text)[1]

    def _runs(self, text: str) -> tuple[list[Finding], int]:
        found: list[Finding] = []
        running: dict[int, tuple[int, int]] = {}  # place in the prompt: words so far, start
        opened = len(text)
        for match in _WORD.finditer(text):
            if match.end() == len(text):  # it may go on: whatever runs, may run on with it
                opened = min((start for _, start in running.values()), default=match.start())
            before, running = running, {}
            for place in self._positions.get(match[0].casefold(), ()):
                count, start = before.get(place - 1, (0, match.start()))
                running[place] = count + 1, start
                if count + 1 >= self._needed:
                    _extend(found, start, match.end())
        starts = [start for _, start in running.values()]
        return found, min([opened, *starts])


def _extend(found: list[Finding], start: int, end: int) -> None:
    if found and found[-1].end > start:
        start = min(start, found.pop().start)
    found.append(Finding(SYSTEM_PROMPT, start, end, 1.0, "leaks"))


def _overlap(flat: str, wanted: str) -> int:
    """Return how many characters at the end of `flat` are the beginning of `wanted`."""
    for length in range(min(len(flat), len(wanted) - 1), 0, -1):
        if flat.endswith(wanted[:length]):
            return length
    return 0


def _is_within_word(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start - 1].isalnum()
    return before or (end < len(text) and text[end].isalnum())

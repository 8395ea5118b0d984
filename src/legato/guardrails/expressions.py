"""Regular expressions that can't hang: RE2 takes time linear in the text, whatever the pattern.

They run over UTF-8 bytes. What RE2 can't compute (back-references, look-around) is refused.
"""

from collections.abc import Iterator
from typing import Any, Final

import re2

from legato.core.errors import InvalidRequest

# The automaton of a pattern may take as much memory.
_MEMORY_BYTES: Final = 32 * 1024 * 1024
_PATTERN_CHARS_MAX: Final = 1_000_000


def _options(*, ignore_case: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    options.case_sensitive = not ignore_case
    return options


class Expression:
    """A pattern over bytes. Raises InvalidRequest, naming `place`, where RE2 can't compute it."""

    def __init__(
        self, pattern: str, *, ignore_case: bool = False, place: str = "expression"
    ) -> None:
        if len(pattern) > _PATTERN_CHARS_MAX:
            raise InvalidRequest(
                f"{place}: longer than {_PATTERN_CHARS_MAX} characters; split it", param=place
            )
        try:
            self._compiled: Any = re2.compile(pattern, options=_options(ignore_case=ignore_case))
        except (re2.error, UnicodeEncodeError) as error:
            raise InvalidRequest(
                f"{place}: {_reason(error)}; RE2's syntax has neither look-around nor "
                "back-references: write what should be found itself",
                param=place,
            ) from None
        self.pattern = pattern

    def matches(self, data: bytes) -> Iterator[Any]:
        """Yield RE2's match objects, from left to right, not overlapping."""
        found: Iterator[Any] = self._compiled.finditer(data)
        return found

    def fits(self, data: bytes) -> bool:
        """Whether the whole of `data` is one."""
        return self._compiled.fullmatch(data) is not None

    def within(self, data: bytes) -> bool:
        """Whether it is anywhere in `data`."""
        return self._compiled.search(data) is not None


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else "not valid"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)

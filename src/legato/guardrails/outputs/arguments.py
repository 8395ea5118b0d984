"""Arguments of tools: JSON, in which escapes would hide what is looked for."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from legato.core.guarding import TextFilter

_LONG: Final = 1_000_000
"""Numbers of seven digits and more are looked at, as in requests."""
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class ArgumentsFilter:
    """A TextFilter that holds arguments until they are whole; each string passes by itself.

    Nobody can act on half of them, so holding them delays nothing. What is no JSON passes as text.
    """

    def __init__(self, filters: Callable[[], list[TextFilter]]) -> None:
        """`filters` makes what one string passes through."""
        self._filters = filters
        self._parts: list[str] = []

    def feed(self, text: str) -> str:
        """Take more of them."""
        self._parts.append(text)
        return ""

    def end(self) -> str:
        """Return them as they may go on. Raises OutputBlocked."""
        text = "".join(self._parts)
        try:
            value = _decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return self._through(text)
        passed = self._within(value)
        return text if passed == value else _encode(passed).decode()

    def _within(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._through(value)
        if isinstance(value, list):
            return [self._within(one) for one in value]
        if isinstance(value, dict):
            return {self._through(name): self._within(one) for name, one in value.items()}
        if type(value) is int and abs(value) >= _LONG:  # it may be a telephone number
            written = str(value)
            passed = self._through(written)
            return value if passed == written else passed
        return value

    def _through(self, text: str) -> str:
        for one in self._filters():
            text = one.feed(text) + one.end()
        return text

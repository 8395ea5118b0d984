"""Credentials inside URLs: `postgres://app:secret@db/prod`, `https://token@host`."""

from collections.abc import Iterator
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.secrets.placeholders import is_placeholder
from legato.guardrails.secrets.vendors import bits
from legato.guardrails.spans import Span, Text

_SECRET: Final = "SECRET"  # noqa: S105 - a label
_USER: Final = "URL_CREDENTIALS"
_AUTHORITY: Final = r"[A-Za-z][A-Za-z0-9+.-]+://([^\s/\"'<>`\\]+@)[A-Za-z0-9.\[\]:_-]"
_BYTES_MAX: Final = 600
_TOKEN_CHARS_MIN: Final = 16
_TOKEN_BITS_MIN: Final = 3.0


class UrlCredentials:
    """Finds the password of a URL as SECRET, the name before it as URL_CREDENTIALS."""

    gate = r"://[^\s/]+@"
    labels = frozenset({_SECRET, _USER})

    def __init__(self) -> None:
        self._authority = Expression(_AUTHORITY)

    def find(self, text: Text) -> Iterator[Span]:
        """Yield the parts before a URL's last `@`; a password may hold that sign, too."""
        for match in self._authority.matches(text.data):
            start, end = match.span(1)
            if end - start > _BYTES_MAX:
                continue
            user, colon, password = match.group(1)[:-1].decode("utf-8", "replace").partition(":")
            if not colon:
                if len(user) >= _TOKEN_CHARS_MIN and bits(user) >= _TOKEN_BITS_MIN:
                    yield Span(start, end - 1, _SECRET, "url_token", 96)
                continue
            if not password or is_placeholder(password):
                continue
            middle = start + len(user.encode())
            yield Span(middle + 1, end - 1, _SECRET, "url_password", 95)
            if user:
                yield Span(start, middle, _USER, "url_user", 94)

"""E-mail addresses, also of other scripts, and those written with `[at]` and `[dot]`."""

import re
from collections.abc import Iterator
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Span, Text

_LABEL: Final = "EMAIL_ADDRESS"
# A local part in quotes is legal and unheard of; so are `=`, `/` and `{`, which are far more often
# the syntax around an address.
# Letters beyond ASCII are those of scripts that part words: Chinese before an address isn't in it.
_LETTER: Final = r"A-Za-z0-9\x{C0}-\x{52F}"
_ADDRESS: Final = (
    rf"[{_LETTER}_%+-](?:[{_LETTER}_%+.'-]*[{_LETTER}_%+-])?"
    rf"@(?:[{_LETTER}][{_LETTER}-]*\.)+(?:xn--[A-Za-z0-9-]+|[A-Za-z\x{{C0}}-\x{{52F}}]{{2,}})"
)
_AT: Final = r"[\[({] ?(?:at|AT) ?[\])}]"
_WRITTEN_OUT: Final = (
    r"[A-Za-z0-9_.+-]+ ?[\[({] ?(?:at|AT) ?[\])}] ?[A-Za-z0-9-]+"
    r"(?: ?[\[({] ?(?:dot|DOT) ?[\])}] ?[A-Za-z0-9-]+| ?\. ?[A-Za-z0-9-]{2,})+"
)
# What ends like a file's name is one: `icon@2x.png`.
_FILES: Final = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "bmp", "css", "scss", "js", "jsx", "mjs"}
    | {
        "ts",
        "tsx",
        "py",
        "pyc",
        "rb",
        "go",
        "rs",
        "java",
        "kt",
        "php",
        "html",
        "htm",
        "xml",
        "json",
    }
    | {"yaml", "yml", "toml", "ini", "cfg", "conf", "lock", "txt", "log", "csv", "tar", "gz", "zip"}
    | {"exe", "dll", "so", "md", "rst", "pdf"}
)
_BYTES_MAX: Final = 320
_VERSION: Final = re.compile(r"v?\d+\.\d+")


class Emails:
    """Finds EMAIL_ADDRESS."""

    gate = rf"@|{_AT}"
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._address = Expression(_ADDRESS)
        self._at = Expression(_AT)
        self._written_out = Expression(_WRITTEN_OUT)

    def find(self, text: Text) -> Iterator[Span]:
        """Yield the addresses that aren't part of a URL, a file's name or a package's version."""
        data = text.data
        for match in self._address.matches(data):
            start, end = match.span()
            domain = data[start:end].rpartition(b"@")[2].decode("utf-8", "replace")
            if end - start <= _BYTES_MAX and _is_address(text, start, end, domain):
                yield Span(start, end, _LABEL, "email", 60)
        if self._at.within(data):
            for match in self._written_out.matches(data):
                start, end = match.span()
                yield Span(start, end, _LABEL, "email", 60)


def _is_address(text: Text, start: int, end: int, domain: str) -> bool:
    if domain.rpartition(".")[2].lower() in _FILES or _VERSION.match(domain):
        return False
    data = text.data
    if end < len(data) and (data[end : end + 1].isalnum() or data[end : end + 1] == b"@"):
        return False
    if data[end : end + 1] == b"_" and data[end + 1 : end + 2].isalnum():  # else it is italics
        return False
    # scheme://user@host, and git@host:path
    if data[max(0, start - 3) : start] == b"://":
        return False
    return not (data[start : start + 4] == b"git@" and data[end : end + 1] == b":")

"""What a vendor sealed, marked as its own, so that it goes to no other vendor.

Anthropic's clients send thinking back unread: the place for what other vendors want to see again.
No base64 holds a dot, so a mark is never a part of what Anthropic sealed itself.
"""

GOOGLE_CALL, GOOGLE_TEXT = "google.call.", "google.text."
OPENROUTER = "openrouter."
_MARKS = ("google.", OPENROUTER)


def is_foreign(sealed: object) -> bool:
    """Whether a signature, or encrypted reasoning, is none of Anthropic's."""
    return isinstance(sealed, str) and sealed.startswith(_MARKS)

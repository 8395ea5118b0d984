"""Passwords: which may be chosen, and how they are kept (argon2id, RFC 9106).

Imported by the control process and by commands only: no gateway worker hashes a password.
"""

import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from legato.core.errors import InvalidRequest

CHARACTERS_MIN: Final = 12
CHARACTERS_MAX: Final = 256
"""So that nobody has us hash a book."""
_DIFFERENT_MIN: Final = 5
_KNOWN: Final = ("password", "passwort", "qwertyuiop", "letmein", "1234567890", "legato")
"""Of what lists of stolen passwords begin with, what is still long enough when written twice."""

# 32 MiB and three passes, one lane: above OWASP's least (19 MiB, two). About 0.1 s of a core.
_MEMORY_KIB, _PASSES, _LANES = 32 * 1024, 3, 1


class Passwords:
    """Hashes and verifies; one at a time, so the memory of one is the most that it takes."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES
        )
        self._turn = threading.Lock()
        self._nobodys = ""

    def hash(self, password: str) -> str:
        """Return what is stored of a password. Blocking, a tenth of a second."""
        with self._turn:
            return self._hasher.hash(_normal(password))

    def fits(self, password: str, stored: str) -> bool:
        """Whether it is the password. With "" stored it is none, and takes as long to say so."""
        # made by whoever comes first, so that it tells nothing of who has an account
        self._nobodys = self._nobodys or self.hash("of nobody")
        with self._turn:
            try:
                self._hasher.verify(stored or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return bool(stored)

    def is_old(self, stored: str) -> bool:
        """Whether a hash was made with lesser parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def require_good(password: str, *, email: str, name: str = "", param: str = "password") -> None:
    """Raise InvalidRequest, naming the rule, for a password that would be guessed.

    Length and what it must not be made of; no rules about kinds of characters (NIST SP 800-63B).
    """
    problem = _problem(_normal(password), email, name)
    if problem:
        raise InvalidRequest(f"{param}: {problem}", param=param)


def _problem(password: str, email: str, name: str) -> str:
    if len(password) < CHARACTERS_MIN:
        return f"take at least {CHARACTERS_MIN} characters; a sentence is good"
    if len(password) > CHARACTERS_MAX:
        return f"take at most {CHARACTERS_MAX} characters"
    if len(set(password)) < _DIFFERENT_MIN:
        return f"take at least {_DIFFERENT_MIN} different characters"
    bare = password.casefold()
    for part in {email.casefold(), email.casefold().partition("@")[0], name.casefold()}:
        if part and _is_made_of(bare, part):
            return "the e-mail address or the name is the first thing that is guessed"
    if any(_is_made_of(bare, known) for known in _KNOWN):
        return "this is on every list of passwords"
    return ""


def _is_made_of(password: str, part: str) -> bool:
    """Whether a part, written once or more, is most of the password."""
    return len(part) > 2 and len(password.replace(part, "")) < CHARACTERS_MIN // 2  # noqa: PLR2004


def _normal(password: str) -> str:
    """Return the one form of a text that keyboards write in several."""
    return unicodedata.normalize("NFC", password)

"""Counts attempts to sign in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from legato.core.errors import RateLimited, SignInRefused

if TYPE_CHECKING:
    from legato.api.control.services import Services

Result = TypeVar("Result")


def counted(
    services: "Services", method: str, attempt: Callable[[], Result]
) -> Callable[[], Result]:
    """Return an attempt to sign in that is counted, for a thread to make.

    As `ok`, `failed`, or `delayed` where too many failed before; anything else was no attempt.
    """
    count = services.identity.counted

    def made() -> Result:
        try:
            result = attempt()
        except SignInRefused:
            count(method, "failed")
            raise
        except RateLimited:
            count(method, "delayed")
            raise
        count(method, "ok")
        return result

    return made

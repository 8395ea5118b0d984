"""A check: what it asks, what it stands for, and how it came out."""

from collections.abc import Callable
from enum import StrEnum
from http.client import HTTPException

import msgspec

from legato.cli.conformance.findings import Skipped, Unfulfilled
from legato.cli.conformance.subject import Subject


class Outcome(StrEnum):
    """How a check came out."""

    PASSED = "pass"
    FAILED = "fail"
    SKIPPED = "skip"


class Check(msgspec.Struct, frozen=True):
    """One point. `run` returns when it holds, raises `Unfulfilled` or `Skipped` otherwise."""

    name: str
    run: Callable[[Subject], None]
    about: str


class Result(msgspec.Struct, frozen=True):
    """How a check came out; `reason` is empty where it passed."""

    name: str
    outcome: Outcome
    about: str
    reason: str = ""


def carry_out(check: Check, subject: Subject) -> Result:
    """Run a check; what the server does wrong, cutting the line included, is its failure."""
    try:
        check.run(subject)
    except Skipped as why:
        return Result(check.name, Outcome.SKIPPED, check.about, str(why))
    except Unfulfilled as why:
        return Result(check.name, Outcome.FAILED, check.about, str(why))
    except (OSError, HTTPException) as error:
        reason = f"the connection failed: {type(error).__name__}: {error}"
        return Result(check.name, Outcome.FAILED, check.about, reason)
    return Result(check.name, Outcome.PASSED, check.about)

"""Checks a judge before it becomes a version, and reads a stored one."""

from typing import Any

import msgspec

from legato.judging.judge import JudgeSpec, problems_of
from legato.registry.reading import ContentInvalid, Problem, problems_in, unplain


def check_judge(content: Any) -> JudgeSpec:
    """Return a judge written as plain data.

    Raises:
        ContentInvalid: with all problems, each at its place.
    """
    if problems := list(unplain(content)) or problems_in(content, JudgeSpec):
        raise ContentInvalid("judge", problems)
    spec = msgspec.convert(content, JudgeSpec)
    if found := [Problem(place, message) for place, message in problems_of(spec)]:
        raise ContentInvalid("judge", found)
    return spec


def read_judge(content: Any) -> JudgeSpec:
    """Return a stored judge. Raises msgspec.ValidationError where it is none."""
    return msgspec.convert(content, JudgeSpec)

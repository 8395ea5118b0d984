"""A judge of statements: what sources say of each, for whoever knows where each stands.

One call asks about all statements of an answer; the verdict names the numbers of those that the
sources contradict, and of those they don't mention. What it leaves out is supported.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final

import msgspec

from legato.judging.asking import (
    DATA_RULE,
    Ask,
    Heard,
    Unreadable,
    ask_for,
    marked,
    object_schema,
    ticket_of,
)
from legato.judging.grounding import Support
from legato.judging.judge import JudgeSpec
from legato.judging.verdicts import TICKET, heard_verdict

VERSION: Final = 1
"""Of the question: raised where it changes."""
_NAMED: Final = (Support.CONTRADICTED, Support.UNMENTIONED)


class Supported(msgspec.Struct, frozen=True):
    """What sources say of each statement, in their order; None, with the problem, if unknown."""

    of: tuple[Support, ...] | None
    problem: str = ""


def judge_support(
    spec: JudgeSpec, sources: Sequence[str], statements: Sequence[str]
) -> Generator[Ask, Heard, Supported]:
    """Ask once about all statements, and once more where the verdict can't be read."""
    ticket = ticket_of(*sources, *statements)
    shown = [marked(f"source-{number}", text, ticket) for number, text in enumerate(sources, 1)]
    shown += [
        marked(f"statement-{number}", text, ticket) for number, text in enumerate(statements, 1)
    ]
    asked = "\n\n".join([*shown, "What do the sources say of each statement?"])
    ask = ask_for(spec, (_told(ticket), asked), _schema(ticket))
    verdict = yield from heard_verdict(ask, ticket, lambda found: _read(found, len(statements)))
    if verdict.problem:
        return Supported(None, verdict.problem)
    return Supported(verdict.value)


def _read(found: dict[str, Any], count: int) -> tuple[Support, ...]:
    told = [Support.SUPPORTED] * count
    for support in _NAMED:
        numbers = found.get(support.value)
        if not isinstance(numbers, list) or len(numbers) > count:
            raise Unreadable(f"`{support.value}` is a list of numbers of statements")
        for one in numbers:
            if type(one) is not int or not 1 <= one <= count:
                raise Unreadable(f"`{support.value}` has numbers from 1 to {count} alone")
            if told[one - 1] is not Support.SUPPORTED:
                raise Unreadable(f"the statement {one} is named twice")
            told[one - 1] = support
    return tuple(told)


def _told(ticket: str) -> str:
    return "\n".join(
        [
            "You check which statements of an answer its sources support. What you know besides",
            "the sources doesn't count. A statement is supported where the sources say all of what",
            "it claims, in any words; contradicted where they say otherwise; unmentioned where",
            "they say nothing of it, or of a part of it. A statement that claims nothing, a",
            "greeting, a question, an offer, is supported.",
            DATA_RULE,
            "",
            "Answer with this JSON object alone, listing the numbers of the statements that are",
            "contradicted and of those that are unmentioned, each in one list at most:",
            f'{{"{TICKET}": "{ticket}", "contradicted": [], "unmentioned": []}}',
        ]
    )


def _schema(ticket: str) -> dict[str, Any]:
    numbers = {"type": "array", "items": {"type": "integer"}}
    told = {support.value: numbers for support in _NAMED}
    return object_schema({TICKET: {"type": "string", "enum": [ticket]}, **told})

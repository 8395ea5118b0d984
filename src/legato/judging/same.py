"""A judge of whether two answers to one question say the same; see `asking` for the marks."""

import re
from typing import Any, Final

import msgspec

from legato.judging.asking import DATA_RULE, marked, ticket_of
from legato.judging.verdicts import TICKET

_TOLD: Final = (
    "You are shown a question and two answers. Say whether somebody who asked the question could "
    "be given either answer: both say the same of what was asked, in whatever words, and neither "
    "says something wrong that the other doesn't."
)
_OBJECT: Final = re.compile(r"\{[^{}]*\}")


def ask_same(model: str, question: str, one: str, other: str) -> tuple[dict[str, Any], str]:
    """Return the body of a chat completion, and the ticket its answer must carry."""
    ticket = ticket_of(question, one, other)
    told = "\n".join(
        [
            _TOLD,
            DATA_RULE,
            "",
            "Answer with this JSON object alone, or with false in it:",
            f'{{"{TICKET}": "{ticket}", "same": true}}',
        ]
    )
    named = (("question", question), ("first", one), ("second", other))
    shown = "\n\n".join(marked(name, text, ticket) for name, text in named)
    messages = [{"role": "system", "content": told}, {"role": "user", "content": shown}]
    return {"model": model, "messages": messages}, ticket


def read_same(text: str, ticket: str) -> bool | None:
    """Return what a judge said; None where it said nothing that can be read."""
    for found in reversed(_OBJECT.findall(text)):
        try:
            said = msgspec.json.decode(found)
        except msgspec.DecodeError:
            continue
        if said.get(TICKET) == ticket and isinstance(said.get("same"), bool):
            same: bool = said["same"]
            return same
    return None

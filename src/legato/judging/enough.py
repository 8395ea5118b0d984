"""A judge of whether an answer does what was asked; see `asking` for the marks."""

import re
from typing import Any, Final

import msgspec

from legato.judging.asking import DATA_RULE, marked, ticket_of
from legato.judging.verdicts import TICKET

_TOLD: Final = (
    "You are shown a request and an answer to it. Say whether the answer can be given to who "
    "asked: it does all that was asked, it is right, and it leaves nothing important out. If you "
    "can't tell whether it is right, it can't be given."
)
_OBJECT: Final = re.compile(r"\{[^{}]*\}")


def ask_enough(model: str, request: str, answer: str) -> tuple[dict[str, Any], str]:
    """Return the body of a chat completion, and the ticket its answer must carry."""
    ticket = ticket_of(request, answer)
    told = "\n".join(
        [
            _TOLD,
            DATA_RULE,
            "",
            "Answer with this JSON object alone, or with false in it:",
            f'{{"{TICKET}": "{ticket}", "enough": true}}',
        ]
    )
    named = (("request", request), ("answer", answer))
    shown = "\n\n".join(marked(name, text, ticket) for name, text in named)
    messages = [{"role": "system", "content": told}, {"role": "user", "content": shown}]
    return {"model": model, "messages": messages}, ticket


def read_enough(text: str, ticket: str) -> bool | None:
    """Return what a judge said; None where it said nothing that can be read."""
    for found in reversed(_OBJECT.findall(text)):
        try:
            said = msgspec.json.decode(found)
        except msgspec.DecodeError:
            continue
        if said.get(TICKET) == ticket and isinstance(said.get("enough"), bool):
            enough: bool = said["enough"]
            return enough
    return None

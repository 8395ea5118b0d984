"""Send less of a long conversation, where the route's policy says so."""

from typing import TYPE_CHECKING

from legato.core.measures import Measures
from legato.gateway.context import Waiting
from legato.gateway.shortening import chars_of, newest_turns, summary_cuts, without_repeated

if TYPE_CHECKING:
    from legato.core.config import ContextPolicy
    from legato.gateway.context import Call
    from legato.gateway.shortening import Message
    from legato.gateway.summaries import Summaries

CHARS_PER_TOKEN = 4
SUMMARISED = "[Earlier in this conversation, summarised:]\n"


def shorten(call: "Call", policy: "ContextPolicy") -> None:
    """Leave out of a call's messages what its route's policy leaves out, and note how much.

    Only surfaces with messages: a response that follows others is kept with what it was asked.
    """
    messages = _messages(call)
    if messages is None:
        return
    kept, removed = messages, 0
    if policy.deduplicate:
        kept, removed = without_repeated(kept)
    if policy.max_tokens is not None:
        kept, gone = newest_turns(kept, policy.max_tokens * CHARS_PER_TOKEN, _beside(call))
        removed += chars_of(gone)
    _put(call, kept, removed)


async def summarise(call: "Call", policy: "ContextPolicy", summaries: "Summaries") -> None:
    """Put a summary in the place of the oldest turns; where there is none, leave them out."""
    messages = _messages(call)
    if policy.summarise is None or policy.max_tokens is None or messages is None:
        shorten(call, policy)
        return
    chars_max = policy.max_tokens * CHARS_PER_TOKEN
    kept, removed = without_repeated(messages) if policy.deduplicate else (messages, 0)
    head, pieces, rest = summary_cuts(kept, chars_max, _beside(call))
    if not pieces:
        _put(call, kept, removed)
        return
    with Waiting(call):
        summary = await summaries.of(call, pieces, policy.summarise)
    if not summary:
        shorten(call, policy)
        return
    told = {"role": "user", "content": SUMMARISED + summary}
    removed += sum(map(chars_of, pieces)) - chars_of(told)
    _put(call, [*head, told, *rest], removed)


def _messages(call: "Call") -> "list[Message] | None":
    messages = call.body.get("messages")
    if call.view.turn is not None or not isinstance(messages, list):
        return None
    return messages if all(isinstance(one, dict) for one in messages) else None


def _beside(call: "Call") -> int:
    return chars_of([call.body.get("system"), call.body.get("tools")])


def _put(call: "Call", kept: "list[Message]", removed: int) -> None:
    if removed < CHARS_PER_TOKEN:
        return
    if call.copy is not None:
        call.whole = call.body, call.body_bytes
    call.body = {**call.body, "messages": kept}
    call.body_bytes = max(0, call.body_bytes - removed)
    call.measures = Measures(removed_tokens=removed // CHARS_PER_TOKEN)

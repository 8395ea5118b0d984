"""Makes a call go on with a redacted body, and its answer be restored."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.core.guarding import NAME, SEALED, Channel, FilterFactory, Piece, TextFilter
from legato.guardrails.redaction import Marked, Redaction, Restorer
from legato.guardrails.replacing import replaced

if TYPE_CHECKING:
    from legato.gateway.context import Call

_THINKING: Final = re.compile(r"/messages/(\d+)/content/(\d+)/thinking")


def mask(call: "Call", marked: Iterable[Marked], texts: Iterable[Piece]) -> dict[str, Any]:
    """Replace what is marked in a call's body, and return it; nothing after sees what was there.

    `texts` are all texts of the body. What is captured is the redacted request.
    """
    redaction = call.redaction = Redaction()
    changed = redaction.redacted(marked, texts)
    call.body = replaced(call.body, changed)
    _leave_out_thinking(call.body, changed)
    call.masked = True
    user = call.body.get("user")
    if call.view.user and isinstance(user, str):
        call.view = msgspec.structs.replace(call.view, user=user)
    if call.raw:
        call.raw = msgspec.json.encode(call.body)
    if call.view.turn is not None:
        call.view.turn.asks(call.body)
    call.answer_filters = (*call.answer_filters, restoring(redaction))
    return call.body


def _leave_out_thinking(body: dict[str, Any], changed: Iterable[str]) -> None:
    """Leave out signed thinking whose words were changed: its vendor would refuse it.

    The vendor drops the thinking of earlier turns itself. Where it needs it, within a turn that
    calls tools, the caller was given the words that were signed, and they aren't changed.
    """
    found = [match for match in map(_THINKING.fullmatch, changed) if match is not None]
    for turn, block in sorted(((int(one[1]), int(one[2])) for one in found), reverse=True):
        content = body["messages"][turn]["content"]
        if len(content) > 1 and content[block].get("signature"):
            del content[block]


def restoring(redaction: Redaction) -> FilterFactory:
    """Return what puts values back, last of all filters: checks see what the model wrote."""

    def restorer(channel: Channel) -> TextFilter | None:
        if channel.name in {SEALED, NAME}:
            return None
        return Restorer(redaction, escapes=channel.is_json)

    return restorer

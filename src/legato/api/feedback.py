"""`POST /v1/feedback`: what a caller makes of an answer, by the request's id or the response's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.api.body import number, refuse, text
from legato.core.errors import InvalidRequest, NotFound
from legato.core.feedback import Outcome, Said, Thumbs
from legato.core.ids import time_ns_of
from legato.gateway.stages.read import read_json

if TYPE_CHECKING:
    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.core.tasks import InThread
    from legato.insights.feedback import FeedbackDesk
    from legato.storage.evaluation.feedback import KeptWord

COMMENT_CHARS_MAX: Final = 4_000
CORRECTION_BYTES_MAX: Final = 64 * 1024
USER_CHARS_MAX: Final = 512
_PLACE_DIGITS_MAX: Final = 9
_RESPONSE: Final = "resp_"
_JSON = (b"content-type", b"application/json")
_TRACE_ROUNDS, _TRACE_ROUND_S = 12, 0.25
_NS_PER_S = 1_000_000_000


def feedback_page(desk: "FeedbackDesk", ask_store: "InThread") -> "Resource":
    """Keep what is posted; `ask_store` runs what blocks."""

    async def page(exchange: "Exchange", caller: "Principal", _id: str) -> None:
        said = read_said(read_json(await exchange.body()), exchange.header(b"x-legato-user"))
        kept = await _kept(lambda: ask_store(lambda: desk.keep(caller, said)))
        answer: dict[str, Any] = {
            "id": kept.id,
            "object": "feedback",
            "request_id": said.request_id,
        }
        if kept.deleted:
            answer["deleted"] = True
        else:
            answer["created_at"] = kept.created_at_ns // _NS_PER_S
            answer["changed_at"] = kept.changed_at_ns // _NS_PER_S
        await exchange.reply(200, [_JSON], msgspec.json.encode(answer))

    return page


async def _kept(keep: Callable[[], Awaitable["KeptWord"]]) -> "KeptWord":
    """Keep it; of what needs a request's trace, which comes soon after its answer, wait for that.

    Raises:
        NotFound: there is none.
    """
    for _ in range(_TRACE_ROUNDS):
        with suppress(NotFound):
            return await keep()
        await asyncio.sleep(_TRACE_ROUND_S)
    return await keep()


def read_said(body: dict[str, Any], user_header: bytes | None = None) -> Said:
    """Read a body; `user_header` names the user where the body doesn't.

    Raises:
        InvalidRequest: it names the field.
    """
    for field in body:
        if field not in _FIELDS:
            raise refuse(field[:100], f"is not known here; known are {', '.join(_FIELDS)}")
    request_id = _request_id(body)
    user = text(body, "user") or (user_header or b"").decode("utf-8", "replace")
    if len(user) > USER_CHARS_MAX:
        raise refuse("user", f"longer than {USER_CHARS_MAX} characters")
    signals = {name: read(body, name) for name, read in _SIGNALS.items() if name in body}
    if not signals:
        msg = f"Nothing is said of the answer: send at least one of {', '.join(_SIGNALS)}."
        raise InvalidRequest(msg)
    return Said(request_id, user, signals)


def _request_id(body: dict[str, Any]) -> str:
    """Return which request is meant: by its own id, or by that of the response it got."""
    if "response_id" not in body:
        found = body.get("request_id")
        if not isinstance(found, str) or not _names_a_request(found):
            raise refuse("request_id", "must be an answer's x-legato-request-id, 32 hex digits")
        return found
    if "request_id" in body:
        raise refuse("response_id", "can't be beside a request_id: send one of them")
    named = body["response_id"]
    if not isinstance(named, str) or not named.startswith(_RESPONSE):
        told = "must be the id of a response (resp_...); of other answers, send the request_id"
        raise refuse("response_id", told)
    found = named.removeprefix(_RESPONSE)
    if time_ns_of(found) is None:
        raise refuse("response_id", "is no id of a response that was made here")
    return found


def _names_a_request(text: str) -> bool:
    """Whether it is an id of ours; a line of a provider's batch has its place behind a dash."""
    identity, dash, place = text.partition("-")
    numbered = place.isascii() and place.isdigit() and len(place) <= _PLACE_DIGITS_MAX
    return time_ns_of(identity) is not None and (numbered or not dash)


def _one_of(words: type[StrEnum]) -> Callable[[dict[str, Any], str], str | None]:
    known = [one.value for one in words]

    def read(body: dict[str, Any], field: str) -> str | None:
        given: str | None = body[field]
        if given is not None and given not in known:
            raise refuse(field, f"must be one of {', '.join(known)}, or null to take it back")
        return given

    return read


def _score(body: dict[str, Any], field: str) -> float | None:
    return number(body, field, 0, 1)


def _correction(body: dict[str, Any], field: str) -> Any:
    if len(msgspec.json.encode(body[field])) > CORRECTION_BYTES_MAX:
        raise refuse(field, f"longer than {CORRECTION_BYTES_MAX} bytes of JSON")
    return body[field]


def _comment(body: dict[str, Any], field: str) -> str | None:
    given = text(body, field)
    if given is not None and not 1 <= len(given) <= COMMENT_CHARS_MAX:
        raise refuse(field, f"must have 1 to {COMMENT_CHARS_MAX} characters; null takes it back")
    return given


_SIGNALS: Final = MappingProxyType(
    {
        "thumbs": _one_of(Thumbs),
        "score": _score,
        "outcome": _one_of(Outcome),
        "correction": _correction,
        "comment": _comment,
    }
)
_FIELDS: Final = ("request_id", "response_id", *_SIGNALS, "user")

"""Webhooks: told by whom they are signed, taken once, and begun runs of.

What a delivery says that isn't signed counts for nothing: neither its address, which is no secret,
nor headers beside those of its signature. So only events in structured mode are CloudEvents here.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from legato.core.errors import CallerError, OperatorError
from legato.storage.triggers.triggers import What
from legato.workflows.triggers.cloud_events import STRUCTURED, Event, data_of, structured
from legato.workflows.triggers.intake import Active, Intake, Taken
from legato.workflows.triggers.runner import Deliver
from legato.workflows.triggers.signatures import Delivery, Refused, key_of, verify

KIND: Final = "webhook"
_ID_BYTES: Final = 15
_NS: Final = 1_000_000_000


class Rests(OperatorError):
    """The trigger is paused: whoever sent it may try again."""

    code = "trigger_paused"
    http_status = 503
    retryable = True


class Answer(msgspec.Struct, frozen=True):
    """What the sender is told."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"


def hook_id(active: Active) -> str:
    """Return what stands in a webhook's address: the same wherever it is asked for."""
    named = f"{active.org}\x00{active.workflow}\x00{active.trigger.name}".encode()
    digest = blake2b(named, digest_size=_ID_BYTES, person=b"webhook").digest()
    return base64.b32encode(digest).decode().lower()


class Hooks:
    """One process's; blocking. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        in_force: Callable[[], Sequence[Active]],
        secrets_of: Callable[[str, str], Sequence[str]],
        intake: Intake,
        *,
        deliver: Deliver,
        refused: Callable[[Active | None], None],
        now_ns: Callable[[], int],
    ) -> None:
        """`secrets_of` gives an organisation's of a name, `refused` is told of who is refused."""
        self._in_force = in_force
        self._secrets_of = secrets_of
        self._intake = intake
        self._deliver = deliver
        self._refused = refused
        self._now_ns = now_ns

    def find(self, named: str) -> Active:
        """Return the trigger of an address.

        Raises:
            Refused: there is none; it is told as if it were signed badly.
            Rests: it is paused.
        """
        for active in self._in_force():
            if active.trigger.kind == KIND and hook_id(active) == named:
                if self._intake.store_of(active.org).state(active.name).paused:
                    raise Rests("The trigger is paused.", retry_after_s=60.0)
                return active
        self._refused(None)
        raise Refused("The webhook's signature fits none of the trigger's secrets.")

    def take(self, active: Active, headers: Mapping[str, str], body: bytes) -> Answer:
        """Begin the run of a delivery, or say why it has none; `headers` have lower-case names.

        Raises:
            Refused: it isn't signed as it should be.
            RateLimited: runs wait for a place.
        """
        style = active.settings.style
        secrets = self._secrets_of(active.org, active.settings.secret)
        keys = [key_of(style, one) for one in secrets]
        try:
            delivery = verify(style, keys, headers, body, now_s=self._now_ns() // _NS)
        except Refused:
            self._refused(active)
            raise
        if style == "slack" and (challenge := _challenge(body)):
            return Answer(200, challenge.encode(), b"text/plain; charset=utf-8")
        try:
            event = _event(active, delivery, headers.get("content-type", ""), body)
        except CallerError as error:
            return _told(self._intake.bury(active, body, error))
        self._deliver(active.org, event)
        return _told(self._intake.take(active, event))


def _event(active: Active, delivery: Delivery, content_type: str, body: bytes) -> Event:
    if content_type.partition(";")[0].strip().lower() == STRUCTURED:
        return structured(body)
    return Event(
        id=delivery.id,
        source=f"{KIND}/{active.workflow}/{active.trigger.name}",
        type=active.settings.type or delivery.type or KIND,
        data=data_of(body),
        datacontenttype=content_type.partition(";")[0].strip().lower(),
    )


class _Hello(msgspec.Struct):
    type: str = ""
    challenge: str = ""


def _challenge(body: bytes) -> str:
    """Return what Slack wants back when an address is entered there, "" of anything else."""
    try:
        found = msgspec.json.decode(body, type=_Hello)
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return found.challenge if found.type == "url_verification" else ""


def _told(taken: Taken) -> Answer:
    said: dict[str, Any] = {"result": taken.what.name.lower()}
    if taken.run_id:
        said["run_id"] = taken.run_id
    status = 200 if taken.what is What.DUPLICATE else 202
    return Answer(status, msgspec.json.encode(said))

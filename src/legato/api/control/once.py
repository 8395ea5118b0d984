"""Idempotency keys: the same POST again has no second effect and the same answer."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency as Given
from litestar.params import HeaderParameter
from litestar.response import Response

from legato.api.control.access import Caller
from legato.api.control.services import Services
from legato.core.errors import CallerError, Conflict
from legato.core.tenant import Tenant
from legato.storage.runs.idempotent_calls import CallName

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Made up by the caller; the same request with it again has no second effect.",
        required=False,
    ),
]


class Made(msgspec.Struct, frozen=True):
    """What a POST answers: a body and its headers."""

    body: Any
    headers: dict[str, str] = {}
    status: int = 201


class _Kept(msgspec.Struct, array_like=True):
    status: int
    headers: dict[str, str]
    body: msgspec.Raw


class Once:
    """Runs one POST of one caller."""

    def __init__(
        self, services: Services, caller: Caller, request: Request[Any, Any, Any], key: str | None
    ) -> None:
        self._services = services
        self._caller = caller
        path, query = request.url.path, request.url.query  # whose, and where, is in the query
        self._place = f"{request.method} {path}?{query}" if query else f"{request.method} {path}"
        self._key = key

    def __call__(self, data: msgspec.Struct | None, work: Callable[[], Made]) -> Response[Any]:
        """Do the work, or answer what it answered before.

        A refusal of the caller's mistake changes nothing and isn't kept. Where the work failed
        otherwise, nobody knows whether it took effect: the key stays used.

        Raises:
            Conflict: the key was used for another request, or its outcome isn't known.
        """
        if self._key is None:
            return _response(work())
        services, principal = self._services, self._caller.principal
        calls = services.idempotent_calls(Tenant(principal.org))
        name = self._key
        if principal.token:  # it may less than its account: what that was answered isn't for it
            name = f"{principal.token} {name}"  # no key has a blank
        call = CallName(principal.key_id, name)
        context = f"idempotent call\x00{principal.key_id}\x00{name}".encode()
        canonical = self._place.encode() + b"\x00" + msgspec.json.encode(data, order="sorted")
        sealed = calls.begin(call, hashlib.blake2b(canonical, digest_size=32).digest())
        if sealed is not None:
            return self._replayed(sealed, context)
        try:
            made = work()
        except CallerError:
            calls.forget(call)
            raise
        kept = _Kept(made.status, made.headers, msgspec.Raw(msgspec.json.encode(made.body)))
        calls.finish(call, services.sealing.seal(principal.org, msgspec.json.encode(kept), context))
        return _response(made)

    def _replayed(self, sealed: bytes, context: bytes) -> Response[Any]:
        org = self._caller.principal.org
        try:
            kept = msgspec.json.decode(
                self._services.sealing.open(org, sealed, context), type=_Kept
            )
        except ValueError:
            raise Conflict("the answer to this idempotency key can't be read any more") from None
        headers = {**kept.headers, "idempotency-replayed": "true"}
        return Response(
            content=bytes(kept.body),
            status_code=kept.status,
            headers=headers,
            media_type="application/json",
        )


def provide_once(
    request: Request[Any, Any, Any],
    services: Given[Services],
    caller: Given[Caller],
    idempotency_key: IdempotencyKey = None,
) -> Once:
    """Return what runs the POST of this request."""
    return Once(services, caller, request, idempotency_key)


def _response(made: Made) -> Response[Any]:
    return Response(content=made.body, status_code=made.status, headers=made.headers)

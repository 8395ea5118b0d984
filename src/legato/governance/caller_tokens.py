"""Signed tokens (JWT, RFC 7519) that callers bring in the place of a key's secret.

A token says who calls; a key of ours, chosen by its claims, says what may be called and who pays.
Signing keys are those of the issuer's JWK set (RFC 7517) and rotate with it.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from legato.core.clock import Clock
from legato.core.config_callers import TokenIssuer
from legato.core.errors import LegatoError, StorageUnavailable, Unauthenticated
from legato.governance.keyring import TokenHolder

log = logging.getLogger(__name__)

TOKEN_BYTES_MAX: Final = 16 * 1024
LOOK_AGAIN_S: Final = 10.0
"""Tokens of unknown keys make us read an issuer's keys no more often, however many come."""
_KEPT_MAX: Final = 10_000
_NS: Final = 1_000_000_000
_UNREADABLE: Final = (
    LegatoError,
    OSError,
    JoseError,
    ValueError,
    TypeError,
    LookupError,
    RecursionError,
)
_SIGNING: Final = frozenset({"RSA", "EC"})

Fetch = Callable[[TokenIssuer], Awaitable[bytes]]
"""Returns an issuer's JWK set as it is served. Raises LegatoError, OSError."""


class _Unknown(Exception):
    """No key of the issuer that we know has signed it."""


class CallerTokens:
    """Reads tokens; what was verified is remembered until it ends."""

    def __init__(self, issuers: Sequence[TokenIssuer], fetch: Fetch, clock: Clock) -> None:
        self._issuers = {one.issuer: _Issuer(one, fetch) for one in issuers}
        self._now_ns = clock.now_ns
        self._kept: OrderedDict[bytes, TokenHolder] = OrderedDict()

    def read(self, token: bytes) -> TokenHolder:
        """Return what a token says.

        Raises:
            Unauthenticated: it isn't good; the message says why and repeats nothing of it.
            StorageUnavailable: its issuer's keys could not be read since the start.
        """
        digest, now_ns = hashlib.blake2b(token, digest_size=32).digest(), self._now_ns()
        kept = self._kept.get(digest)
        if kept is not None and now_ns < kept.expires_at_ns:
            return kept
        issuer = self._issuer_of(token)
        try:
            holder = issuer.read(token, now_ns)
        except _Unknown:
            raise Unauthenticated(f"No known key of {issuer.name} signed this token.") from None
        self._kept[digest] = holder
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return holder

    async def look_again(self, token: bytes) -> None:
        """Read the keys of a token's issuer anew, where it was signed by one that isn't known."""
        try:
            issuer = self._issuer_of(token)
        except Unauthenticated:
            return
        try:
            issuer.read(token, self._now_ns())
        except Unauthenticated:
            return
        except (_Unknown, StorageUnavailable):
            if await issuer.renew(not_within_s=LOOK_AGAIN_S):
                self._kept.clear()

    async def follow(self) -> None:
        """Keep every issuer's keys fresh for ever; a token of a withdrawn one ends with it."""

        async def keep(issuer: _Issuer) -> None:
            while True:
                if await issuer.renew():
                    self._kept.clear()
                await asyncio.sleep(issuer.refresh_s)

        async with asyncio.TaskGroup() as group:
            for one in self._issuers.values():
                group.create_task(keep(one))

    def _issuer_of(self, token: bytes) -> "_Issuer":
        """Return who says to have issued it: nothing else of it is believed yet."""
        if len(token) > TOKEN_BYTES_MAX:
            raise Unauthenticated(f"This token is longer than {TOKEN_BYTES_MAX} bytes.")
        try:
            claims = msgspec.json.decode(extract_compact(token).payload)
            issuer = self._issuers.get(claims["iss"])
        except (JoseError, ValueError, LookupError, TypeError, RecursionError):
            raise Unauthenticated("This token can't be read as a signed JWT with `iss`.") from None
        if issuer is None:
            raise Unauthenticated("The issuer of this token (`iss`) isn't one that is accepted.")
        return issuer


class _Issuer:
    """One issuer with its keys as last read."""

    def __init__(self, config: TokenIssuer, fetch: Fetch) -> None:
        self.name = config.name
        self.refresh_s = config.refresh_s
        self._config = config
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._served = b""
        self._looked_s = float("-inf")
        self._failing = False
        self._renewing = asyncio.Lock()

    def read(self, token: bytes, now_ns: int) -> TokenHolder:
        if self._keys is None:
            msg = f"The keys of the token issuer {self.name} could not be read yet; try again."
            raise StorageUnavailable(msg, retry_after_s=1)
        config = self._config
        try:
            found = jwt.decode(token.decode("ascii"), self._keys, algorithms=config.algorithms)
        except (JoseError, ValueError):
            raise _Unknown from None
        rules = jwt.JWTClaimsRegistry(
            now=now_ns // _NS,
            leeway=config.leeway_s,
            iss={"essential": True, "value": config.issuer},
            aud={"essential": True, "value": config.audience},
            exp={"essential": True},
        )
        try:
            rules.validate(found.claims)
        except ExpiredTokenError:
            raise Unauthenticated("This token has expired: get a new one.") from None
        except ClaimError as error:
            msg = f"This token isn't good here: `{error.claim}` is missing, wrong, or not yet due."
            raise Unauthenticated(msg) from None
        return self._holder(found.claims)

    async def renew(self, *, not_within_s: float = 0.0) -> bool:
        """Read the keys, all who ask together; whether they are others than before."""
        loop = asyncio.get_running_loop()
        async with self._renewing:
            if loop.time() - self._looked_s < not_within_s:
                return False
            self._looked_s = loop.time()
            try:
                served = await self._fetch(self._config)
                if served == self._served:
                    return False
                self._keys = _signing_keys(served)
            except _UNREADABLE as error:
                if not self._failing:
                    told = {"issuer": self.name, "reason": type(error).__name__}
                    log.warning("an issuer's signing keys can't be read", extra=told)
                self._failing = True
                return False
            self._failing, self._served = False, served
            return True

    def _holder(self, claims: Mapping[str, Any]) -> TokenHolder:
        config = self._config
        user = claims.get(config.user_claim)
        if not isinstance(user, str) or not user:
            raise Unauthenticated(f"This token has no claim `{config.user_claim}`.")
        for one in config.keys:
            if one.claim is None or _says(claims.get(one.claim), one.value):
                break
        else:
            raise Unauthenticated(f"No claim of this token gives it a key of {self.name}.")
        told = ((tag, claims.get(claim)) for tag, claim in config.tags.items())
        tags = {tag: value for tag, value in told if isinstance(value, str)}
        return TokenHolder(
            one.key, config.org, user, tags, (int(claims["exp"]) + config.leeway_s) * _NS
        )


def _says(claim: object, value: str | None) -> bool:
    return value in claim if isinstance(claim, list) else claim == value


def _signing_keys(served: bytes) -> KeySet:
    """Return the public keys of a set that may verify: a shared secret among them never does."""
    keys = []
    for one in msgspec.json.decode(served)["keys"]:
        if one.get("kty") in _SIGNING and one.get("use", "sig") == "sig":
            with contextlib.suppress(JoseError, ValueError, KeyError):  # others of the set are good
                keys += KeySet.import_key_set({"keys": [one]}).keys
    if not keys:
        raise ValueError("no key that could have signed")
    return KeySet(keys)

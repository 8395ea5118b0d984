"""Who a token or a cookie stands for, as they are at this moment: read from the database."""

import asyncio
from functools import partial
from typing import Final

import msgspec

from legato.core.errors import ForeignPage, SignInRefused, Unauthenticated
from legato.core.principal import Principal
from legato.core.tenant import EVERY_TENANT
from legato.identity.origins import SAFE_METHODS, require_own_page
from legato.identity.principals import PERSON, GrantsOf, principal_of
from legato.identity.rooms import Rooms
from legato.identity.signing_in import SigningIn
from legato.storage.identity.records import Account, Session

_DAY_NS: Final = 24 * 3600 * 1_000_000_000


class Present(msgspec.Struct, frozen=True):
    """Somebody in a session; `secret` is the cookie's value."""

    principal: Principal
    session: Session
    account: Account
    secret: str


class Sent(msgspec.Struct, frozen=True):
    """What of a browser's request tells whether our own page sent it."""

    method: str
    origin: str | None
    fetch_site: str | None
    forgery_token: str | None


class Presence:
    """Finds out who asks. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        rooms: Rooms,
        signing_in: SigningIn,
        grants_of: GrantsOf,
        origins: frozenset[str],
    ) -> None:
        self._rooms = rooms
        self._signing_in = signing_in
        self._grants_of = grants_of
        self._origins = origins
        self._tokens = rooms.tokens(EVERY_TENANT)
        self._again_days = {one.name: one.sign_in_again_days for one in rooms.config.oidc}

    async def by_token(self, secret: bytes) -> Principal:
        """Return whose token it is. Raises Unauthenticated."""
        return await asyncio.to_thread(self._by_token, secret)

    async def still_there(self, secret: str) -> Principal:
        """Return who is in a session, without using it: it may be left by whoever watches.

        Raises:
            SignInRefused: it is over.
        """
        present = await asyncio.to_thread(partial(self._by_session, secret, uses=False))
        return present.principal

    async def by_session(self, secret: str, sent: Sent) -> Present:
        """Return who is in a session.

        Raises:
            SignInRefused: it is over, or none.
            ForeignPage: it changes something, and our own page didn't ask for it.
        """
        present = await asyncio.to_thread(self._by_session, secret)
        if sent.method not in SAFE_METHODS:
            self.require_own_page(sent)
            if not self._signing_in.is_forgery_token(secret, sent.forgery_token):
                msg = "Send the session's csrf_token as x-legato-csrf: GET /api/v1/session has it."
                raise ForeignPage(msg, param="x-legato-csrf")
        return present

    def require_own_page(self, sent: Sent) -> None:
        """Raise ForeignPage for what a page of somebody else's made a browser send."""
        require_own_page(sent.origin, sent.fetch_site, self._origins)

    def _by_token(self, secret: bytes) -> Principal:
        found = self._tokens.find(self._rooms.vault.digest(secret))
        if found is None:
            msg = "This token is not known, it has expired, or it was revoked."
            raise Unauthenticated(msg)
        token, account = found
        self._require_known(account)
        grants = self._grants_of(PERSON, account.id)
        return principal_of(account, grants, token.permissions, token.expires_at_ns, token=token.id)

    def _by_session(self, secret: str, *, uses: bool = True) -> Present:
        found = self._signing_in.find(secret, uses=uses)
        if found is None:
            raise SignInRefused("This session is over: sign in again.")
        session, account = found
        if account.provider and account.provider not in self._again_days:
            raise SignInRefused("This account's provider is no longer one here.")
        principal = principal_of(account, self._grants_of(PERSON, account.id))
        return Present(principal, session, account, secret)

    def _require_known(self, account: Account) -> None:
        """Refuse the token of a person whom their provider may not know any more."""
        if not account.provider:
            return
        days = self._again_days.get(account.provider)
        signed_in_ns = account.signed_in_at_ns or 0
        if days is None or self._rooms.now_ns() - signed_in_ns > days * _DAY_NS:
            msg = "This token rests until its owner signs in at their provider again."
            raise Unauthenticated(msg)

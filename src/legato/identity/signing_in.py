"""Signing in by a password, and what a session is told apart by."""

import hmac
from hashlib import blake2b
from typing import Final

import msgspec

from legato.audit.event import Act, Detail, Subject
from legato.core.errors import RateLimited, SignInRefused
from legato.core.networks import origin_of
from legato.core.tenant import EVERY_TENANT
from legato.identity.delays import address_delay_s, delay_s
from legato.identity.rooms import Rooms
from legato.identity.tokens import SESSION, new_token
from legato.storage.identity.delays import Delay
from legato.storage.identity.records import Account, NewSession, Session

_NS_PER_S: Final = 1_000_000_000
_WRONG: Final = "The e-mail address or the password is wrong, or the account can't sign in."
_DIGITS: Final = 32


class Visitor(msgspec.Struct, frozen=True):
    """Where an attempt comes from: the address that connected, never one that it claims."""

    address: str = ""
    agent: str = ""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session with its secret, which goes into a cookie and is kept nowhere."""

    secret: str
    session: Session
    account: Account


class SigningIn:
    """Lets people in. Blocking; every method may raise StorageUnavailable."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._accounts = rooms.accounts(EVERY_TENANT)
        self._sessions = rooms.sessions(EVERY_TENANT)
        self._names_key = rooms.vault.subkey("sign-in names")
        self._forgery_key = rooms.vault.subkey("forged requests")

    def by_password(self, email: str, password: str, visitor: Visitor) -> SignedIn:
        """Begin a session.

        An e-mail address that nobody has takes the same steps, and as long.

        Raises:
            SignInRefused: that isn't the password of an account that may sign in.
            RateLimited: too many attempts failed; it says when the next one is looked at.
        """
        names = self._names(email, visitor.address)
        delays = names.delays(known=self._rooms.delays.knows(names.pair))
        wait_s = self._rooms.delays.wait_s(delays)
        if wait_s > 0:
            raise _too_many(wait_s)
        found = self._accounts.find(email)
        stored = "" if found is None or not self._rooms.config.passwords else found.password
        fits = self._rooms.passwords.fits(password, stored)
        if found is None or not fits or found.state != "active":
            acts = _Refusal(found, names.login)
            wait_s = self._rooms.delays.failed(delays, acts)
            raise SignInRefused(_WRONG, retry_after_s=wait_s or None)
        if self._rooms.passwords.is_old(stored):
            self._accounts.rehash(found.id, stored, self._rooms.passwords.hash(password))
        signed_in = self.begin(found, visitor)
        self._rooms.delays.succeeded([names.login, names.pair], names.pair)
        return signed_in

    def begin(
        self, account: Account, visitor: Visitor, provider: str = "", sealed: bytes = b""
    ) -> SignedIn:
        """Begin a session of somebody who has proven who they are."""
        secret = new_token(SESSION)
        ends_at_ns = self._rooms.now_ns() + int(self._rooms.config.session_s * _NS_PER_S)
        new = NewSession(
            digest=self._rooms.vault.digest(secret.encode()),
            ends_at_ns=ends_at_ns,
            address=visitor.address,
            agent=visitor.agent,
            provider=provider,
            sealed=sealed,
        )
        session = self._sessions.begin(account, new)
        return SignedIn(secret=secret, session=session, account=account)

    def find(self, secret: str, *, uses: bool = True) -> tuple[Session, Account] | None:
        """Return the session of a cookie; None where it is over."""
        idle_ns = int(self._rooms.config.session_idle_s * _NS_PER_S)
        return self._sessions.find(self._rooms.vault.digest(secret.encode()), idle_ns, uses=uses)

    def unlock(self, account: Account) -> None:
        """Look at the next attempt at once, whatever failed before."""
        names = self._names(account.login, "")
        act = Act(account.org, "login.unlock", Subject("account", account.id))
        self._rooms.delays.unlock(names.login, act)

    def forgery_token(self, secret: str) -> str:
        """Return what a page must send beside the cookie to change something."""
        return blake2b(secret.encode(), key=self._forgery_key, digest_size=24).hexdigest()

    def is_forgery_token(self, secret: str, given: str | None) -> bool:
        """Whether a page sent it."""
        wanted = self.forgery_token(secret).encode()
        return hmac.compare_digest(wanted, (given or "").encode("utf-8", "replace"))

    def _names(self, login: str, address: str) -> "_Names":
        def name(kind: str, *parts: str) -> str:
            text = "\n".join((kind, *parts)).encode("utf-8", "replace")
            return blake2b(text, key=self._names_key, digest_size=_DIGITS // 2).hexdigest()

        of_login = name("login", login.strip().lower())
        of_address = name("address", origin_of(address))
        return _Names(of_login, of_address, f"{of_login}:{of_address}")


class _Names(msgspec.Struct, frozen=True):
    """Digests by which failures are counted: names and addresses themselves are kept nowhere."""

    login: str
    address: str
    pair: str

    def delays(self, *, known: bool) -> dict[str, Delay]:
        """Return what counts: where somebody signed in before, strangers can't slow them down."""
        if known:
            return {self.pair: delay_s}
        return {self.login: delay_s, self.address: address_delay_s}


class _Refusal:
    """What the audit log says of a refused sign-in: of nobody's name, only a digest."""

    def __init__(self, found: Account | None, login: str) -> None:
        self._org = "" if found is None else found.org
        self._subject = Subject("account", found.id) if found else Subject("login", login)

    def __call__(self, wait_s: float) -> list[Act]:
        refused = Act(self._org, "login.refuse", self._subject, outcome="refused")
        if not wait_s:
            return [refused]
        told: dict[str, Detail] = {"wait_s": round(wait_s)}
        return [refused, Act(self._org, "login.lock", self._subject, details=told)]


def _too_many(wait_s: float) -> RateLimited:
    msg = f"Too many attempts to sign in failed: the next one is looked at in {wait_s:.0f} s."
    return RateLimited(msg, retry_after_s=max(1.0, wait_s))

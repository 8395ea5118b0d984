"""Making accounts, and giving them what they sign in by."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest, NotFound, SignInRefused
from legato.core.permission import Permission
from legato.core.tenant import EVERY_TENANT, EveryTenant, Reach
from legato.identity.passwords import require_good
from legato.identity.rooms import Rooms
from legato.identity.tokens import ACCOUNT_TOKEN, INVITATION, new_token
from legato.storage.identity.joining import UNKNOWN
from legato.storage.identity.records import Account, Kind, NewAccount, NewToken, Token

_NS_PER_S: Final = 1_000_000_000
_DAY_S: Final = 24 * 3600
_EMAIL: Final = re.compile(r"[^\s@<>\"',;:\\]{1,64}@[A-Za-z0-9.-]{1,190}")
_SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME_CHARACTERS_MAX: Final = 128
Vouch = Callable[[Account, Account], None]
"""Refuses what an invited account has to another. Raises Conflict."""


class WantedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to be made; without permissions it may what its account may."""

    name: str
    expires_at_ns: int
    permissions: frozenset[Permission] = frozenset()


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an account is made for, and where."""

    org: str
    kind: Kind
    email: str
    name: str


def enrol(rooms: Rooms, reach: Reach, wanted: Enrolled) -> Account:
    """Make an account within reach. A person is invited next.

    Who doesn't reach every organisation isn't told by a refusal what the others have: a person
    whom they enrol signs in as one of the organisation, wherever there are others.

    Raises:
        InvalidRequest: the e-mail address or the name can't be one.
        NotFound: there is no such organisation.
        Conflict: it is taken.
    """
    org, kind, email, name = wanted.org, wanted.kind, wanted.email, wanted.name
    if kind == "person":
        email = required_email(email)
    elif not _SERVICE.fullmatch(name):
        msg = "name: take letters, digits, dots, hyphens and underscores, 64 at most"
        raise InvalidRequest(msg, param="name")
    if len(name) > _NAME_CHARACTERS_MAX:
        raise InvalidRequest(f"name: {_NAME_CHARACTERS_MAX} characters at most", param="name")
    pseudonym = rooms.vault.pseudonym(org, email.lower()) if email else ""
    of_org = not isinstance(reach, EveryTenant)
    of_org = of_org and rooms.accounts(EVERY_TENANT).is_among_others(org)
    new = NewAccount(org=org, kind=kind, name=name, email=email, pseudonym=pseudonym, of_org=of_org)
    return rooms.accounts(reach).create(new)


def required_email(email: str) -> str:
    """Return an e-mail address without what surrounds it. Raises InvalidRequest."""
    email = email.strip()
    if not _EMAIL.fullmatch(email):
        raise InvalidRequest("email: write an e-mail address, as ann@example.com", param="email")
    return email


def invite(rooms: Rooms, reach: Reach, account_id: str, *, by: str) -> str:
    """Return the token by which a person chooses a password, once; earlier ones end.

    `by` says who answers for it that the right person gets it.
    """
    if not rooms.config.passwords:
        msg = "accounts.passwords is off here: people sign in by a provider"
        raise InvalidRequest(msg, param="accounts.passwords")
    secret = new_token(INVITATION)
    ends_at_ns = rooms.now_ns() + int(rooms.config.invitation_s * _NS_PER_S)
    digest = rooms.vault.digest(secret.encode())
    rooms.accounts(reach).invite(account_id, digest, ends_at_ns, by=by)
    return secret


def accept(rooms: Rooms, secret: str, password: str) -> Account:
    """Give the person of an invitation a password. Raises NotFound, InvalidRequest."""
    digest, accounts = rooms.vault.digest(secret.encode()), rooms.accounts(EVERY_TENANT)
    invited = accounts.invited(digest)
    if invited is None:
        msg = "token: this invitation is used, too old or unknown: ask for another"
        raise NotFound(msg, param="token")
    require_good(password, email=invited.email, name=invited.name)
    return accounts.accept(digest, rooms.passwords.hash(password))


def join(rooms: Rooms, secret: str, joining: Account, vouch: Vouch) -> Account:
    """Give somebody who is signed in the roles of an invitation, instead of another password.

    Return the account that was invited. Its roles were given by whom they concern; `vouch` says
    whether the joining account is in the hands of its person as far as they know.

    Raises:
        NotFound: the invitation is used, too old, unknown or for another address.
        Conflict: whoever invited the joining account to its password couldn't give such roles.
    """
    digest = rooms.vault.digest(secret.encode())
    invited = rooms.accounts(EVERY_TENANT).invited(digest)
    if invited is None or invited.email.lower() != joining.email.lower():
        raise NotFound(UNKNOWN, param="token")
    vouch(invited, joining)
    return rooms.joining(EVERY_TENANT).join(digest, joining)


def change_password(
    rooms: Rooms, account: Account, current: str, new: str, *, keep: str
) -> Account:
    """Give somebody who knows the present password another; all sessions but `keep` end.

    Raises:
        SignInRefused: that isn't the present one.
        InvalidRequest: the new one would be guessed, or there are none here.
    """
    if account.external or not rooms.config.passwords:
        raise InvalidRequest("this account has no password: it signs in by a provider")
    if not rooms.passwords.fits(current, account.password):
        raise SignInRefused("The present password is another one.", param="current")
    require_good(new, email=account.email, name=account.name, param="new")
    accounts = rooms.accounts(EVERY_TENANT)
    return accounts.set_password(account.id, rooms.passwords.hash(new), keep=keep)


def make_token(
    rooms: Rooms, reach: Reach, account: Account, wanted: WantedToken
) -> tuple[Token, str]:
    """Return a token of an account, and its secret, which is kept nowhere.

    Raises:
        InvalidRequest: it has no end within `accounts.token_days_max`, or no name.
    """
    now_ns = rooms.now_ns()
    days = rooms.config.token_days_max
    if not now_ns < wanted.expires_at_ns <= now_ns + days * _DAY_S * _NS_PER_S:
        msg = f"expires_at: within {days} days from now (accounts.token_days_max)"
        raise InvalidRequest(msg, param="expires_at")
    if account.state != "active":
        raise InvalidRequest(f"this account is {account.state}: it can't have a token")
    if not 0 < len(wanted.name) <= _NAME_CHARACTERS_MAX:
        raise InvalidRequest(f"name: 1 to {_NAME_CHARACTERS_MAX} characters", param="name")
    secret = new_token(ACCOUNT_TOKEN)
    new = NewToken(
        name=wanted.name,
        digest=rooms.vault.digest(secret.encode()),
        expires_at_ns=wanted.expires_at_ns,
        permissions=wanted.permissions,
    )
    return rooms.tokens(reach).create(account, new), secret

"""Accounts, sessions and tokens as they are stored. Never a secret."""

from typing import Any, Literal

import msgspec

from legato.core.permission import Permission

Kind = Literal["person", "service"]
State = Literal["invited", "active", "disabled", "erased"]


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided about an account. A service has no e-mail address and no password.

    A person `of_org` signs in as `ORG:ADDRESS`, so an organisation may have an account of any
    address without it being told whether another has one.
    """

    org: str
    kind: Kind
    name: str
    email: str = ""
    pseudonym: str = ""
    password: str = ""
    external: str | None = None
    of_org: bool = False

    @property
    def login(self) -> str:
        """What it is told apart by."""
        if self.kind == "service":
            return f"service:{self.org}/{self.name}"
        return login_in(self.org, self.email) if self.of_org else self.email.lower()


def login_in(org: str, email: str) -> str:
    """Return what a person of an organisation signs in as; no e-mail address has a colon."""
    return f"{org}:{email.lower()}"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A stored account. `password` is a hash, "" for none; `external` names a provider first."""

    id: str
    org: str
    kind: Kind
    login: str
    email: str
    name: str
    password: str
    state: State
    external: str | None
    created_at_ns: int
    signed_in_at_ns: int | None
    vouched_by: str = ""
    """Who gave its person the password: `operator`, `key:ID`, `account:ID`; "" for nobody known."""

    @property
    def provider(self) -> str:
        """The provider it signs in by; "" for a password or a token."""
        return "" if self.external is None else self.external.partition(":")[0]


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that begins. `sealed` is what a sign-out at the provider needs, b"" for nothing."""

    digest: bytes
    ends_at_ns: int
    address: str = ""
    agent: str = ""
    provider: str = ""
    sealed: bytes = b""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it stands."""

    id: str
    account_id: str
    created_at_ns: int
    used_at_ns: int
    ends_at_ns: int
    address: str
    agent: str
    provider: str
    sealed: bytes


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to be made; without permissions it may what its account may."""

    name: str
    digest: bytes
    expires_at_ns: int
    permissions: frozenset[Permission] = frozenset()


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it stands."""

    id: str
    account_id: str
    name: str
    permissions: frozenset[Permission]
    created_at_ns: int
    expires_at_ns: int
    used_at_ns: int | None
    revoked_at_ns: int | None


def account_of(row: Any) -> Account:
    """Read a row of `account`."""
    return Account(**{name: getattr(row, name) for name in Account.__struct_fields__})


def session_of(row: Any) -> Session:
    """Read a row of `account_session`."""
    fields = {name: getattr(row, name) for name in Session.__struct_fields__}
    return Session(**{**fields, "sealed": bytes(row.sealed)})


def token_of(row: Any) -> Token:
    """Read a row of `account_token`; a permission that no longer exists is none."""
    named = msgspec.json.decode(row.permissions, type=list[str])
    fields = {name: getattr(row, name) for name in Token.__struct_fields__}
    known = frozenset(one for one in Permission if one in named)
    return Token(**{**fields, "permissions": known})

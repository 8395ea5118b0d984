"""What signing in and enrolling work with; made once by the app."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from legato.core.config_accounts import Accounts
from legato.core.tenant import Reach
from legato.identity.passwords import Passwords
from legato.storage.identity.accounts import AccountStore
from legato.storage.identity.delays import SignInDelays
from legato.storage.identity.flows import SignInFlows
from legato.storage.identity.joining import Joining
from legato.storage.identity.sessions import SessionStore
from legato.storage.identity.tokens import TokenStore


class Keyed(Protocol):
    """Keyed hashing and names of the instance."""

    def digest(self, secret: bytes) -> bytes:
        """Return 32 bytes."""
        ...

    def subkey(self, purpose: str) -> bytes:
        """Return the 32-byte key of one purpose."""
        ...

    def pseudonym(self, org: str, user: str) -> str:
        """Return the name under which a user of an organisation stands in the ledger."""
        ...


class Rooms(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Stores are made for whom they work; all of it is blocking."""

    config: Accounts
    vault: Keyed
    now_ns: Callable[[], int]
    passwords: Passwords
    accounts: Callable[[Reach], AccountStore]
    joining: Callable[[Reach], Joining]
    sessions: Callable[[Reach], SessionStore]
    tokens: Callable[[Reach], TokenStore]
    delays: SignInDelays
    flows: SignInFlows

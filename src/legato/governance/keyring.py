"""Keys as a worker knows them: an immutable snapshot, swapped whole when one changes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter_ns
from typing import Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.errors import Forbidden, StorageUnavailable, Unauthenticated
from legato.core.networks import is_within
from legato.core.principal import Principal
from legato.core.tasks import InThread
from legato.core.watching import POLL_S, Watch

LOOK_AGAIN_S = 0.1
"""Unknown secrets make us look for new keys no more often than this, however many come."""


class Snapshot(Protocol):
    """All keys that may call, by the keyed digest of their secret."""

    @property
    def version(self) -> int:
        """Rises with every change of any key."""
        ...

    @property
    def by_digest(self) -> Mapping[bytes, Principal]:
        """Principals by digest."""
        ...


class TokenHolder(msgspec.Struct, frozen=True):
    """What a good token says: which key it acts for, who calls, and until when.

    `key` is a key's id, or its name where only one has it.
    """

    key: str
    org: str
    user: str
    tags: dict[str, str]
    expires_at_ns: int


class Tokens(Protocol):
    """Signed tokens that stand in the place of a key's secret."""

    def read(self, token: bytes) -> TokenHolder:
        """Return what a token says. Raises Unauthenticated, StorageUnavailable."""
        ...

    async def look_again(self, token: bytes) -> None:
        """Read its issuer's keys anew, where it was signed by one that isn't known."""
        ...

    async def follow(self) -> None:
        """Keep the issuers' keys fresh for ever."""
        ...


class KeySource(Protocol):
    """Where snapshots come from; blocking, called in a thread."""

    def version(self) -> int:
        """Return the newest version."""
        ...

    def snapshot(self) -> Snapshot:
        """Return all keys."""
        ...


class Keyring:
    """Authenticates callers from memory; fails closed until the first snapshot is loaded."""

    def __init__(
        self,
        source: KeySource,
        digest: Callable[[bytes], bytes],
        clock: Clock,
        in_thread: InThread,
        *,
        acting_key: Callable[[bytes], tuple[str, dict[str, str]] | None] | None = None,
        tokens: Tokens | None = None,
        rule: Callable[[Principal, Principal], Principal] | None = None,
    ) -> None:
        """`acting_key` reads a credential of our own: for which key, with which tags besides.

        `rule` binds rules of access to a key that came with more tags than it has.
        """
        self._rule = rule
        self._acting_key = acting_key
        self.tokens = tokens
        """What reads signed tokens, None where no issuer of them is known."""
        self._named: Mapping[str, Principal | None] = {}
        self._source = source
        self._digest = digest
        self._now_ns = clock.now_ns
        self._in_thread = in_thread
        self._by_digest: Mapping[bytes, Principal] | None = None
        self._version = -1
        self._watch = Watch("keys", self._refresh)
        self._loading = asyncio.Lock()
        self._looked_ns = 0

    def known(self, secret: bytes | None, address: str = "") -> Principal | None:
        """Return who holds this secret, if that needs no second look; else ask `identify`."""
        if not secret or self._by_digest is None:
            return None
        principal = self._by_digest.get(self._digest(secret))
        if principal is None or principal.expires_at_ns is not None:
            return None
        if principal.allow_from:
            _require_within(principal, address)
        return principal

    async def identify(self, secret: bytes | None, address: str = "") -> Principal:
        """Authenticate who calls from an address.

        A secret that isn't known may be that of a key made a moment ago.

        Raises:
            Unauthenticated, StorageUnavailable: as `authenticate`.
        """
        try:
            return self.authenticate(secret, address)
        except Unauthenticated:
            if secret and self.tokens is not None and is_token(secret):
                await self.tokens.look_again(secret)
            elif not secret or self._watch.failing:
                raise
        await self._look_again()
        return self.authenticate(secret, address)

    def authenticate(self, secret: bytes | None, address: str = "") -> Principal:
        """Return who holds this secret, and calls from this address.

        The lookup is by a keyed hash of the secret, so its time tells nothing about which
        secrets exist.

        Raises:
            Unauthenticated: no, unknown, revoked or expired key.
            Forbidden: it may not be used from there.
            StorageUnavailable: no snapshot could be loaded since this worker started.
        """
        if not secret:
            msg = "No API key: send it as 'authorization: Bearer …' or 'x-api-key: …'."
            raise Unauthenticated(msg)
        by_digest = self._by_digest
        if by_digest is None:
            msg = "Keys could not be loaded yet: the database is away. Try again shortly."
            raise StorageUnavailable(msg, retry_after_s=1)
        principal = by_digest.get(self._digest(secret))
        if principal is None and self.tokens is not None and is_token(secret):
            principal = self._with_token(self.tokens.read(secret))
        if principal is not None and principal.allow_from:
            _require_within(principal, address)
        principal = principal or self._acted_for(secret)
        if principal is None:
            msg = "This API key is not known, or it has been revoked."
            raise Unauthenticated(msg)
        if principal.expires_at_ns is not None and principal.expires_at_ns <= self._now_ns():
            msg = "This API key has expired."
            raise Unauthenticated(msg)
        return principal

    def _acted_for(self, secret: bytes) -> Principal | None:
        acting = None if self._acting_key is None else self._acting_key(secret)
        if acting is None:
            return None
        key_id, tags = acting
        found = self._named.get(key_id)
        if found is None:
            return None
        if not tags:
            return msgspec.structs.replace(found, waited=True)
        return msgspec.structs.replace(self._tagged(found, tags), live=False)

    def _with_token(self, holder: TokenHolder) -> Principal:
        found = self._named.get(holder.key)
        if found is None or found.org != holder.org:
            msg = (
                f"This token acts for the key {holder.key!r}, which isn't in force, or is the name "
                "of several: ask your operator."
            )
            raise Unauthenticated(msg)
        ends = (holder.expires_at_ns, found.expires_at_ns)
        return msgspec.structs.replace(
            found if not holder.tags else self._tagged(found, holder.tags),
            user=holder.user,
            expires_at_ns=min(end for end in ends if end is not None),
        )

    def _tagged(self, found: Principal, tags: dict[str, str]) -> Principal:
        """Return a key with more tags: rules that mean it with them, or without, hold."""
        tagged = msgspec.structs.replace(found, tags=found.tags | tags)
        return tagged if self._rule is None else self._rule(found, tagged)

    @property
    def loaded(self) -> bool:
        """Whether any snapshot has been loaded."""
        return self._by_digest is not None

    def load(self) -> None:
        """Load the newest snapshot where it differs from ours. Blocking: call it in a thread."""
        version = self._source.version()
        if version != self._version:
            snapshot = self._source.snapshot()
            self._by_digest, self._version = snapshot.by_digest, snapshot.version
            self._named = _by_name(snapshot.by_digest.values())

    async def follow(self) -> None:
        """Keep the snapshot fresh for ever: a change is seen within half a second and a query.

        While the database is away the last snapshot stays in force.
        """
        while True:
            async with self._loading:
                await self._watch.look()
            await asyncio.sleep(POLL_S)

    async def _look_again(self) -> None:
        """Refresh, together with all who ask at the same time."""
        asked_ns = perf_counter_ns()
        async with self._loading:
            if self._looked_ns >= asked_ns or self._watch.failing:
                return
            early_s = LOOK_AGAIN_S - (asked_ns - self._looked_ns) / 1e9
            if self._looked_ns and early_s > 0:
                await asyncio.sleep(early_s)
            await self._watch.look()

    async def _refresh(self) -> None:
        self._looked_ns = perf_counter_ns()
        await self._in_thread(self.load)


def is_token(secret: bytes) -> bool:
    """Whether it has the form of a signed token: no secret of a key begins so."""
    return secret.startswith(b"eyJ") and secret.count(b".") == 2  # noqa: PLR2004 - RFC 7515, 7.1


def _by_name(principals: Iterable[Principal]) -> dict[str, Principal | None]:
    """Return keys by id and by name; None under a name that several have.

    Of a key whose secret is being rotated out, what is in force for longer.
    """
    by_id: dict[str, Principal] = {}
    for one in principals:
        known = by_id.get(one.key_id)
        if known is None or _ends(one) > _ends(known):
            by_id[one.key_id] = one
    by_name: dict[str, Principal | None] = {}
    for one in by_id.values():
        by_name[one.name] = None if one.name in by_name else one
    return by_name | by_id


def _ends(principal: Principal) -> float:
    return float("inf") if principal.expires_at_ns is None else principal.expires_at_ns


def _require_within(principal: Principal, address: str) -> None:
    if not is_within(address, principal.allow_from):
        msg = f"The key {principal.name!r} may not be used from {address or 'there'}."
        raise Forbidden(msg)

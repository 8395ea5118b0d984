"""Who calls: the immutable view of a key or a person that requests are served by."""

from enum import StrEnum

import msgspec

from legato.core.config import Requirements
from legato.core.money import NanoUSD
from legato.core.roles import Grant


class Window(StrEnum):
    """Over which time a budget runs; calendar windows are UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class Scope(StrEnum):
    """What a key may do; beside these, single permissions (`core.permission`)."""

    CALL = "gateway:models:call"
    ADMIN = "admin"  # everything, in every organisation
    ORG_ADMIN = "org-admin"  # everything within its own organisation


class BudgetLimit(msgspec.Struct, frozen=True):
    """A hard limit in money over a window. `id` names the counter in the store."""

    id: str
    limit: NanoUSD
    window: Window
    name: str = ""
    """What people call it: the key's name."""


class Principal(msgspec.Struct, frozen=True):
    """A key as authenticated. `models` are aliases or deployment names, `*` for all.

    `kind` is that of a role's subject: `key`, or another that can authenticate; `key_id` its id.
    """

    key_id: str
    name: str
    org: str
    team: str
    feature: str
    scopes: frozenset[str] = frozenset({Scope.CALL})
    models: frozenset[str] = frozenset({"*"})
    tags: dict[str, str] = {}
    requests_per_minute: int | None = None
    concurrency_max: int | None = None
    budget: BudgetLimit | None = None
    expires_at_ns: int | None = None
    require: Requirements | None = None
    user: str = ""
    """Who calls, where a signed token says it; then no request can say otherwise."""
    live: bool = True
    """Whether its calls are real traffic: those of an evaluation tell nothing of a rollout."""
    kind: str = "key"
    grants: tuple[Grant, ...] = ()
    """Roles bound to it, beside what its scopes let it do."""

    def may_call(self, name: str) -> bool:
        """Whether this key may name that alias or deployment."""
        return "*" in self.models or name in self.models

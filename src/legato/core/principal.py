"""Who calls: the immutable view of a key or a person that requests are served by."""

from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from legato.core.config import DataUse
from legato.core.config_access import AccessRule
from legato.core.config_parts import Requirements
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


class RefusedTool(NamedTuple):
    """The rule that refuses a tool, and whether a call goes on without it."""

    rule: str
    strips: bool


class Access(Protocol):
    """The rules of access that mean a principal: see `legato.routing.access`."""

    @property
    def has_tools(self) -> bool:
        """Whether any says something of tools."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """Names these very rules."""
        ...

    @property
    def rules(self) -> tuple[AccessRule, ...]:
        """These very rules."""
        ...

    def against_model(self, name: str) -> str:
        """Say which rule keeps a model from being named, "" where none does."""
        ...

    def against_deployment(self, name: str, region: str, data_use: DataUse) -> tuple[str, ...]:
        """Return what keeps a deployment from being sent its calls, in words with the rule."""
        ...

    def against_tool(self, name: str) -> RefusedTool | None:
        """Return which rule keeps a tool from being declared, None where none does."""
        ...


class Maker(msgspec.Struct, frozen=True):
    """A key by which another one was made: what limits and rules it, limits and rules that, too."""

    key_id: str
    name: str
    org: str
    team: str
    feature: str
    tags: dict[str, str] = {}
    requests_per_minute: int | None = None
    concurrency_max: int | None = None
    budget: BudgetLimit | None = None

    @property
    def is_limited(self) -> bool:
        """Whether it has limits of its own."""
        own = (self.budget, self.requests_per_minute, self.concurrency_max)
        return any(one is not None for one in own)


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
    residency: str = ""
    """Whose regions are among what it requires, "" where none are set."""
    allow_from: tuple[str, ...] = ()
    """Networks its calls must come from; none: from anywhere."""
    user: str = ""
    """Who calls, where a signed token says it; then no request can say otherwise."""
    live: bool = True
    """Whether its calls are real traffic: those of an evaluation tell nothing of a rollout."""
    waited: bool = False
    """Whether its calls are lines of batches: they have waited, and are not deferred again."""
    kind: str = "key"
    grants: tuple[Grant, ...] = ()
    """Roles bound to it, beside what its scopes let it do."""
    access: Access | None = None
    """Rules of access, None where none means it."""
    token: str = ""
    """The id of the account's token it comes by, "" for a key and a session."""
    narrowed_to: frozenset[str] = frozenset()
    """The only permissions its token has; none: all that its account has."""
    makers: tuple[Maker, ...] = ()
    """The key that made it, the one that made that, and so on."""
    inherits_limits: bool = False
    """Whether one of these has limits of its own."""

    def may_call(self, name: str) -> bool:
        """Whether this key may name that alias or deployment."""
        return not self.against_calling(name)

    def against_calling(self, name: str) -> str:
        """Say why this key may not name that alias or deployment, "" where it may."""
        if Scope.CALL not in self.scopes:
            return f"it has no scope {Scope.CALL.value}"
        if "*" not in self.models and name not in self.models:
            return f"its models are {', '.join(sorted(self.models)) or 'none'}"
        return "" if self.access is None else self.access.against_model(name)

    def against_starting(self, workflow: str) -> str:
        """Say why runs of a workflow may not act for this key, "" where they may."""
        if Scope.CALL not in self.scopes:
            return f"it has no scope {Scope.CALL.value}"
        named = f"workflow:{workflow}"
        if "*" not in self.models and named not in self.models:
            return f"its models would have to name `{named}`"
        return ""

"""A key as it is stored: who it belongs to and what it may do. Never its secret."""

from hashlib import blake2b
from typing import Any

import msgspec

from legato.audit.event import Act, Detail, Subject
from legato.core.config_parts import Requirements
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Maker, Principal, Scope, Window
from legato.core.roles import Grant

_VERSION_BYTES = 7
"""Below 18 decimal digits, which an ETag may have."""
CHANGEABLE = (
    "models",
    "tags",
    "requests_per_minute",
    "concurrency_max",
    "budget_limit",
    "budget_window",
    "expires_at_ns",
    "require",
    "allow_from",
)
"""The columns that a change may touch: whose a key is and what it may do stays."""


class KeyBudget(msgspec.Struct, frozen=True):
    """A hard limit in nano-USD over a window."""

    limit: NanoUSD
    window: Window


class KeySpec(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator decides about a key."""

    name: str
    team: str
    feature: str
    org: str = "default"
    scopes: frozenset[str] = frozenset({Scope.CALL})
    models: frozenset[str] = frozenset({"*"})
    tags: dict[str, str] = {}
    requests_per_minute: int | None = None
    concurrency_max: int | None = None
    budget: KeyBudget | None = None
    expires_at_ns: int | None = None
    require: Requirements | None = None
    allow_from: tuple[str, ...] = ()
    """Networks, as `core.networks.read_networks` writes them; none: from anywhere."""


class DeclaredKey(msgspec.Struct, frozen=True):
    """A key of the configuration file with the keyed digest of its secret."""

    spec: KeySpec
    digest: bytes


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stored key. `source` is `api` or `config`, `revoked_by` `operator` or `config`."""

    id: str
    spec: KeySpec
    source: str
    created_at_ns: int
    revoked_at_ns: int | None
    revoked_by: str
    made_by: str = ""
    """The id of the key that made it, "" for an account, a command or the configuration."""

    @property
    def version(self) -> int:
        """A number that names this very state: another one after each change, above 0."""
        state = msgspec.json.encode(self, order="sorted")
        return int.from_bytes(blake2b(state, digest_size=_VERSION_BYTES).digest()) + 1


class KeySnapshot(msgspec.Struct, frozen=True):
    """Every secret in force, by its keyed digest.

    A secret that is being rotated out carries the earlier expiry in its own principal.
    """

    version: int
    by_digest: dict[bytes, Principal]


def key_columns(spec: KeySpec) -> dict[str, Any]:
    """Return the columns that a specification decides."""
    return {
        "name": spec.name,
        "org": spec.org,
        "team": spec.team,
        "feature": spec.feature,
        "scopes": _json(sorted(spec.scopes)),
        "models": _json(sorted(spec.models)),
        "tags": _json(spec.tags),
        "requests_per_minute": spec.requests_per_minute,
        "concurrency_max": spec.concurrency_max,
        "budget_limit": spec.budget.limit if spec.budget else None,
        "budget_window": spec.budget.window.value if spec.budget else None,
        "expires_at_ns": spec.expires_at_ns,
        "require": None if spec.require is None else _json(spec.require),
        "allow_from": _json(spec.allow_from),
    }


def key_record(row: Any) -> KeyRecord:
    """Read a row of `api_key`."""
    return KeyRecord(
        id=row.id,
        spec=KeySpec(
            name=row.name,
            team=row.team,
            feature=row.feature,
            org=row.org,
            scopes=frozenset(msgspec.json.decode(row.scopes, type=list[str])),
            models=frozenset(msgspec.json.decode(row.models, type=list[str])),
            tags=msgspec.json.decode(row.tags, type=dict[str, str]),
            requests_per_minute=row.requests_per_minute,
            concurrency_max=row.concurrency_max,
            budget=_budget(row),
            expires_at_ns=row.expires_at_ns,
            require=None
            if row.require is None
            else msgspec.json.decode(row.require, type=Requirements),
            allow_from=msgspec.json.decode(row.allow_from, type=tuple[str, ...]),
        ),
        source=row.source,
        created_at_ns=row.created_at_ns,
        revoked_at_ns=row.revoked_at_ns,
        revoked_by=row.revoked_by,
        made_by=row.made_by,
    )


def maker(record: KeyRecord) -> Maker:
    """Return a key as those see it that were made by it."""
    spec = record.spec
    return Maker(
        record.id,
        spec.name,
        spec.org,
        spec.team,
        spec.feature,
        tags=spec.tags,
        requests_per_minute=spec.requests_per_minute,
        concurrency_max=spec.concurrency_max,
        budget=None if spec.budget is None else _limit(record, spec.budget),
    )


def principal(
    record: KeyRecord,
    secret_until_ns: int | None,
    grants: tuple[Grant, ...] = (),
    makers: tuple[Maker, ...] = (),
) -> Principal:
    """Return the key as the request path sees it when it comes with that secret."""
    spec = record.spec
    ends = [end for end in (spec.expires_at_ns, secret_until_ns) if end is not None]
    budget = spec.budget
    return Principal(
        key_id=record.id,
        name=spec.name,
        org=spec.org,
        team=spec.team,
        feature=spec.feature,
        scopes=spec.scopes,
        models=spec.models,
        tags=spec.tags,
        requests_per_minute=spec.requests_per_minute,
        concurrency_max=spec.concurrency_max,
        budget=None if budget is None else _limit(record, budget),
        expires_at_ns=min(ends, default=None),
        require=spec.require,
        allow_from=spec.allow_from,
        grants=grants,
        makers=makers,
        inherits_limits=any(one.is_limited for one in makers),
    )


def _limit(record: KeyRecord, budget: KeyBudget) -> BudgetLimit:
    return BudgetLimit(f"key:{record.id}", budget.limit, budget.window, record.spec.name)


def _budget(row: Any) -> KeyBudget | None:
    if row.budget_limit is None:
        return None
    return KeyBudget(NanoUSD(row.budget_limit), Window(row.budget_window))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def key_act(action: str, key_id: str, spec: KeySpec) -> Act:
    """Return what the audit log says of an act on a key: what it may do, never its secret."""
    details: dict[str, Detail] = {
        "name": spec.name,
        "team": spec.team,
        "feature": spec.feature,
        "scopes": " ".join(sorted(spec.scopes)),
        "models": " ".join(sorted(spec.models)),
        "budget_nano_usd": None if spec.budget is None else int(spec.budget.limit),
        "expires_at_ns": spec.expires_at_ns,
    }
    return Act(spec.org, f"key.{action}", Subject("key", key_id), details=details)

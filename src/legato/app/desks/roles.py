"""Roles, as the control API and the commands work on them: stores, and who a subject is."""

from collections.abc import Callable

from legato.api.control.services import RoleStores
from legato.app.ruling import rules_in_force
from legato.core.authority import Decision
from legato.core.clock import Clock
from legato.core.config_access import Access
from legato.core.errors import InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.permission import Permission
from legato.core.principal import Principal
from legato.core.tenant import EVERY_TENANT, Area, Reach
from legato.governance.ruled_keys import names_of_rules, ruled_principal
from legato.identity.principals import PERSON, principal_of
from legato.identity.vouching import require_vouched
from legato.storage.database.engine import open_engine
from legato.storage.identity.accounts import AccountStore
from legato.storage.tenants.access_rules import AccessRuleStore
from legato.storage.tenants.key_records import principal
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.roles import KEY, CustomRoles, RoleBindings

Resolve = Callable[[Reach, str], Principal]
"""Tells who a subject of one kind is, by its id. Raises NotFound, InvalidRequest."""


MayCall = Callable[[Principal, str], Decision]
NO_RULES = Access()


def nothing_served(_principal: Principal, name: str) -> Decision:
    """Say no, where nothing is served: for those who ask about roles alone."""
    return Decision(allowed=False, reason=f"{name}: nothing of this name is served")


def role_stores(
    database_url: str,
    clock: Clock,
    access: Access = NO_RULES,
    may_call: MayCall = nothing_served,
) -> RoleStores:
    """Open them on a database."""
    engine, ids = open_engine(database_url), IdSource(clock)
    rules = rules_in_force(access, database_url)
    grants_of = RoleBindings(engine, clock, ids, EVERY_TENANT).grants_of

    def key(reach: Reach, key_id: str) -> Principal:
        keys = KeyStore(engine, clock, ids, reach)
        record = keys.get(key_id)
        if record.revoked_at_ns is not None:
            raise InvalidRequest(f"{record.spec.name} is revoked", param="subject_id")
        made_by = keys.makers_of(record)  # their rules mean it, too
        return keys.residing(principal(record, None, grants_of(KEY, key_id), made_by))

    def accounts(reach: Reach) -> AccountStore:
        return AccountStore(engine, clock, ids, reach)

    def account(reach: Reach, account_id: str) -> Principal:
        found = accounts(reach).get(account_id)
        return principal_of(found, grants_of(PERSON, account_id))

    kinds: dict[str, Resolve] = {KEY: key, PERSON: account}

    def who(reach: Reach, kind: str, subject_id: str) -> Principal:
        if kind not in kinds:
            msg = f"subject: {kind[:40]!r} has no roles; those that have are {', '.join(kinds)}"
            raise InvalidRequest(msg, param="subject_kind")
        return ruled_principal(kinds[kind](reach, subject_id), rules())

    def voucher(text: str) -> Principal | None:
        kind, _, subject_id = text.partition(":")
        try:
            if kind == PERSON and accounts(EVERY_TENANT).get(subject_id).state != "active":
                return None
            return who(EVERY_TENANT, kind, subject_id)
        except (NotFound, InvalidRequest):
            return None

    def vouched(account_id: str, permissions: frozenset[Permission], area: Area | None) -> None:
        found = accounts(EVERY_TENANT).get(account_id)
        require_vouched(found, permissions, area, voucher)

    return RoleStores(
        require_vouched=vouched,
        vouched_by=lambda reach, *whose: _vouched_by(accounts(reach), *whose),
        bindings=lambda reach: RoleBindings(engine, clock, ids, reach),
        custom=lambda tenant: CustomRoles(engine, clock, tenant),
        grants_of=grants_of,
        principal=who,
        rules_of=lambda one: names_of_rules(one, rules()),
        rules=lambda reach: AccessRuleStore(engine, clock, ids, reach),
        may_call=may_call,
    )


def _vouched_by(accounts: AccountStore, kind: str, subject_id: str) -> str | None:
    return (accounts.get(subject_id).vouched_by or None) if kind == PERSON else None

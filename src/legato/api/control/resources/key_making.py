"""Making a key, and what its maker must have: nobody grants what they haven't."""

from typing import Final

from legato.api.control.access import Caller
from legato.api.control.resources.key_forms import Budget
from legato.api.control.resources.key_limits import require_within
from legato.api.control.services import Services
from legato.core.authority import beyond
from legato.core.errors import Forbidden, InvalidRequest
from legato.core.money import amount
from legato.core.networks import are_within
from legato.core.principal import Principal, Scope, Window
from legato.routing.terms import holds_to, in_words
from legato.storage.tenants.key_records import KeyBudget, KeyRecord, KeySpec

_NAMED_MAX: Final = 3
"""How many permissions a refusal names."""


def made_key(services: Services, caller: Caller, spec: KeySpec) -> tuple[KeyRecord, str]:
    """Make a key; return it and its secret, which is kept nowhere.

    Raises:
        Forbidden: it would have more than its maker.
        InvalidRequest: a key in force has its name.
    """
    require_held(services, caller, spec)
    require_bound(caller, spec)
    require_models(caller, spec.models)
    require_within(caller.principal, spec, services.now_ns())
    secret, store = services.new_secret(), services.keys(caller.reach)
    by = caller.principal.key_id if caller.principal.kind == "key" else ""
    key_id = store.create(spec, services.digest(secret.encode()), made_by=by)
    return store.get(key_id), secret


def require_held(services: Services, caller: Caller, spec: KeySpec, key_id: str = "") -> None:
    """Refuse to make, or to take over, a key that may do more than its caller."""
    grants = services.roles.grants_of("key", key_id) if key_id else ()
    other = Principal(
        key_id, spec.name, spec.org, spec.team, spec.feature, scopes=spec.scopes, grants=grants
    )
    more = beyond(caller.principal, other)
    if more:
        names = ", ".join(sorted(more)[:_NAMED_MAX]) + (", …" if len(more) > _NAMED_MAX else "")
        raise Forbidden(f"This key would have permissions that yours doesn't have: {names}.")


def require_bound(caller: Caller, spec: KeySpec) -> None:
    """Refuse a key whose data may go where its maker's may not, or that is used from elsewhere."""
    own = caller.principal.require
    if own is not None and not holds_to(spec.require, own):
        msg = f"require: yours requires {in_words(own)}, and so must this key"
        raise Forbidden(msg, param="require")
    networks = caller.principal.allow_from
    if networks and not (spec.allow_from and are_within(spec.allow_from, networks)):
        msg = f"allow_from: yours is {', '.join(networks)}, and this key may not be used elsewhere"
        raise Forbidden(msg, param="allow_from")


def require_models(caller: Caller, models: frozenset[str]) -> None:
    """Refuse a key that may call what its maker's may not."""
    own = caller.principal.models
    if Scope.CALL not in caller.principal.scopes:  # an account, which calls no models itself
        return
    beyond = sorted(models - own)
    if beyond and "*" not in own:
        msg = f"models: yours may not call {', '.join(beyond)}, so this key may not either"
        raise Forbidden(msg, param="models")


def key_budget(budget: Budget | None) -> KeyBudget | None:
    """Return a budget as keys have it. Raises InvalidRequest."""
    if budget is None:
        return None
    try:
        return KeyBudget(amount(budget.usd), Window(budget.window))
    except ValueError as error:
        raise InvalidRequest(f"budget.usd: {error}", param="budget.usd") from None

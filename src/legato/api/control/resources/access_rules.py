"""Rules of access: which keys may use which models, deployments, terms and tools."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta, field

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment
from legato.api.control.once import Made, Once
from legato.api.control.services import Services
from legato.core.config_access import AccessRule, Patterns, ToolTerms, Who
from legato.core.config_parts import Name, Requirements
from legato.core.errors import Forbidden, InvalidRequest
from legato.core.permission import Permission
from legato.core.tenant import EveryTenant
from legato.routing.access import means
from legato.storage.tenants.access_rules import KeptRule

EVERY_ORG = "*"
_SAYS = ("models", "deployments", "require", "tools")


class NewAccessRule(Form, frozen=True, kw_only=True):
    """A rule; `org` is whose keys it is about, `*` for every organisation's."""

    name: Name
    org: Annotated[str, Meta(max_length=64)] | None = None
    who: Who = field(default_factory=Who)
    models: Patterns | None = None
    deployments: Patterns | None = None
    require: Requirements | None = None
    tools: ToolTerms | None = None


class ShownRule(Shown, frozen=True, kw_only=True):
    """A rule in force; `org` is null for one over every organisation."""

    id: str
    org: str | None
    rule: AccessRule
    created_at: str
    created_by: str


class AccessRules(Shown, frozen=True, kw_only=True):
    """All within reach."""

    data: list[ShownRule]


@read("/access-rules", Permission.ACCESS_READ, tags=["access rules"])
def list_access_rules(services: Given[Services], caller: Given[Caller]) -> AccessRules:
    """List the rules within reach that were made here; those of the configuration stand there."""
    return AccessRules(data=[shown(one) for one in services.roles.rules(caller.reach).list()])


@make("/access-rules", Permission.ACCESS_CREATE, tags=["access rules"])
def add_access_rule(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewAccessRule],
) -> Response[ShownRule]:
    """Put a rule in force; every process goes by it within two seconds."""

    def work() -> Made:
        org = "" if data.org == EVERY_ORG else caller.tenant(data.org).org
        if not org and not isinstance(caller.reach, EveryTenant):
            raise Forbidden("org: a rule over every organisation is its operator's", param="org")
        if all(getattr(data, name) is None for name in _SAYS):
            raise InvalidRequest(f"say one of {', '.join(_SAYS)}", param="models")
        given = {name: getattr(data, name) for name in ("name", "who", *_SAYS)}
        kept = services.roles.rules(caller.reach).add(AccessRule(**given), org, caller.author)
        return Made(shown(kept), {"location": f"/api/v1/access-rules/{kept.id}"})

    return once(data, work)


@read("/access-rules/{rule_id:str}", Permission.ACCESS_READ, tags=["access rules"])
def get_access_rule(services: Given[Services], caller: Given[Caller], rule_id: Id) -> ShownRule:
    """Show a rule."""
    return shown(services.roles.rules(caller.reach).get(known_id(rule_id)))


@make(
    "/access-rules/{rule_id:str}/remove",
    Permission.ACCESS_DELETE,
    tags=["access rules"],
    status_code=200,
)
def remove_access_rule(
    services: Given[Services], caller: Given[Caller], once: Given[Once], rule_id: Id
) -> Response[ShownRule]:
    """Put a rule out of force. Nobody gets rid of one that means them."""

    def work() -> Made:
        store = services.roles.rules(caller.reach)
        kept = store.get(known_id(rule_id))
        if means(kept.in_force, caller.principal):
            raise Forbidden("This rule means whoever asks: have another one remove it.")
        store.remove(kept.id)
        return Made(shown(kept), status=200)

    return once(None, work)


HANDLERS = (list_access_rules, add_access_rule, get_access_rule, remove_access_rule)


def shown(kept: KeptRule) -> ShownRule:
    """Return a rule as it is answered."""
    return ShownRule(
        id=kept.id,
        org=kept.org or None,
        rule=kept.rule,
        created_at=moment(kept.created_at_ns),
        created_by=kept.created_by,
    )

"""Who starts a run, for which key, and of which definition: the same wherever runs are begun."""

from typing import Final

from legato.api.control.access import Caller
from legato.api.control.forms import known_id
from legato.api.control.resources.workflow_forms import NewWorkflowRun
from legato.api.control.services import Services
from legato.core.errors import Forbidden, InvalidRequest
from legato.core.principal import Principal, Scope
from legato.core.tenant import Tenant
from legato.workflows.runs.rooms import Resolved

_KEY: Final = "key"


def definition_of(services: Services, tenant: Tenant, data: NewWorkflowRun) -> Resolved:
    """Return what is to run, with its name in the registry. Raises NotFound, InvalidRequest."""
    if data.definition is None:
        if not data.workflow:
            raise InvalidRequest("workflow: name one, or write a definition", param="workflow")
        unit = data.user or services.new_secret()
        return services.workflow_definitions.resolve(tenant.org, data.workflow, unit)
    definition = services.workflow_definitions.read(tenant.org, data.definition)
    return Resolved(data.workflow, definition)


def require_may_start(acting: Principal, workflow: str) -> None:
    """Refuse a key that may call some models only, and doesn't name this workflow among them.

    Raises:
        Forbidden: saying what to add.
    """
    if told := acting.against_starting(workflow):
        msg = f"key_id: the key {acting.name} may not start {workflow or 'definitions'}: {told}"
        raise Forbidden(msg, param="key_id")


def acting_key(services: Services, caller: Caller, key_id: str | None) -> Principal:
    """Return the key by which models are called: an account calls none itself.

    Raises:
        InvalidRequest: an account names none, or the key calls no models.
        Forbidden: a key names another one.
        NotFound: there is none of this id within reach.
    """
    own = caller.principal
    if own.kind == _KEY:
        if key_id not in {None, own.key_id}:
            raise Forbidden("key_id: a key acts for itself; leave it out", param="key_id")
        found = own
    elif key_id is None:
        msg = "key_id: an account calls no models: name the key whose limits and budget hold"
        raise InvalidRequest(msg, param="key_id")
    else:
        found = services.roles.principal(caller.tenant(), _KEY, known_id(key_id))
    if Scope.CALL not in found.scopes:
        raise InvalidRequest(f"key_id: the key {found.name} calls no models", param="key_id")
    return found

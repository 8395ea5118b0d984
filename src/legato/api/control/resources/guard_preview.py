"""What policies would do with a text: nobody is called, and nothing is kept of it."""

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from msgspec import Meta

from legato.api.control.access import make
from legato.api.control.forms import Form, Shown
from legato.api.control.guard_services import PolicyAsked
from legato.api.control.registry_desk import Desk
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest
from legato.core.guarding import Place
from legato.core.permission import Permission
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_name, shown

_OK = 200
_DRAFT = "draft"
_CHARACTERS_MAX = 20_000


class PreviewAsked(Form, frozen=True, kw_only=True):
    """A text, and by which policies.

    A `policy` (NAME or NAME@VERSION) of the registry, a draft as `spec`, or without both those of
    the configuration.
    """

    text: Annotated[str, Meta(min_length=1, max_length=_CHARACTERS_MAX)]
    place: Literal["input", "tool_result", "document", "output", "tool_call"] = "input"
    policy: Annotated[str, Meta(max_length=264)] = ""
    spec: dict[str, Any] | None = None


class PreviewHit(Shown, frozen=True, kw_only=True):
    """What a rule finds, in characters of the text; `enforced` where the policy acts on it."""

    policy: str
    rule: str
    label: str
    action: str
    enforced: bool
    start: int
    end: int
    score: float
    detector: str


class Preview(Shown, frozen=True, kw_only=True):
    """What would be done: `action` is the strictest, empty for none.

    `unasked` are detectors, topics, judges and terms that a request is held against as well.
    """

    policies: list[str]
    action: str
    hits: list[PreviewHit]
    unasked: list[str]


@make("/guardrails/preview", Permission.REGISTRY_READ, tags=["guardrails"], status_code=_OK)
def preview_policies(
    services: Given[Services], desk: Given[Desk], data: JSONBody[PreviewAsked]
) -> Preview:
    """Say what policies would do with a text. Nobody is called, nothing is kept."""
    found = services.guard_preview().look(
        desk.tenant.org, _asked(services, desk, data), data.text, Place(data.place)
    )
    return Preview(
        policies=list(found.policies),
        action=found.action,
        hits=[PreviewHit(**msgspec.structs.asdict(one)) for one in found.hits],
        unasked=list(found.unasked),
    )


HANDLERS = (preview_policies,)


def _asked(services: Services, desk: Desk, data: PreviewAsked) -> list[PolicyAsked] | None:
    if data.spec is not None:
        if data.policy:
            raise InvalidRequest("give `policy` or `spec`, not both", param="spec")
        services.guard_preview().check(data.spec)
        return [PolicyAsked(_DRAFT, _DRAFT, data.spec)]
    if not data.policy:
        return None
    name, _, version = data.policy.partition("@")
    wanted = ObjectName(Kind.GUARDRAIL, checked_name(name))
    kept = desk.version(wanted, version or DEFAULT_LABEL)
    content = desk.registry.content(kept)
    return [PolicyAsked(name, shown(wanted, kept.digest), content)]

"""How long what is stored is kept, what is due, and shorter terms that people set."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Shown, moment, optional_moment
from legato.api.control.once import Made, Once
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.errors import Forbidden
from legato.core.permission import Permission
from legato.core.tenant import EVERY_TENANT
from legato.storage.privacy.retention_terms import DAYS_MAX, RetentionTerm

_EVERY_ORG = "*"
Kind = Annotated[str, Meta(min_length=1, max_length=64)]
Days = Annotated[int, Meta(ge=1, le=DAYS_MAX)]


class ShownTerm(Shown, frozen=True, kw_only=True):
    """A term set here; `org` is null for one of all organisations."""

    org: str | None
    kind: str
    days: int
    changed_by: str
    changed_at: str


class ShownRetention(Shown, frozen=True, kw_only=True):
    """A table: its rule in `retention.days`, null for none; `kept` says the same in words."""

    table: str
    rule: str | None
    days: int | None
    kept: str
    oldest: str | None
    rows_due: int


class ShownRetentions(Shown, frozen=True, kw_only=True):
    """Every table of the database, by name, and the terms that were set here."""

    data: list[ShownRetention]
    terms: list[ShownTerm]


class NewTerm(Form, frozen=True, kw_only=True):
    """At most `days` for a `kind`; without days as the configuration says. `org` may be `*`."""

    kind: Kind
    days: Days | None = None
    org: Annotated[str, Meta(max_length=64)] | None = None


class SetTerm(Shown, frozen=True, kw_only=True):
    """What was set, null where it was taken away."""

    term: ShownTerm | None


@read("/retention", Permission.RETENTION_READ, tags=["privacy"])
def list_retention(
    services: Given[Services], caller: Given[Caller], *, org: Org = None
) -> ShownRetentions:
    """Show for every table how long an organisation's rows are kept, and how many are due."""
    tenant = caller.tenant(org)
    return ShownRetentions(
        data=[
            ShownRetention(
                table=one.table,
                rule=one.rule or None,
                days=one.days,
                kept=one.kept,
                oldest=optional_moment(one.oldest_ns),
                rows_due=one.rows_due,
            )
            for one in services.retention(tenant)
        ],
        terms=[_shown(one) for one in services.retention_terms(tenant).all()],
    )


@make("/retention", Permission.RETENTION_UPDATE, tags=["privacy"])
def set_retention(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewTerm],
) -> Response[SetTerm]:
    """Keep a kind for fewer days than the configuration says, or as it says again."""

    def work() -> Made:
        of_all = data.org == _EVERY_ORG
        if of_all and caller.reach != EVERY_TENANT:
            raise Forbidden("org: a term of all organisations is the operator's", param="org")
        org = "" if of_all else caller.tenant(data.org).org
        terms = services.retention_terms(caller.reach)
        if data.days is None:
            terms.remove(org, data.kind)
            return Made(SetTerm(term=None), status=200)
        kept = terms.set(org, data.kind, data.days, caller.author)
        return Made(SetTerm(term=_shown(kept)), status=200)

    return once(data, work)


HANDLERS = (list_retention, set_retention)


def _shown(one: RetentionTerm) -> ShownTerm:
    return ShownTerm(
        org=one.org or None,
        kind=one.kind,
        days=one.days,
        changed_by=one.changed_by,
        changed_at=moment(one.changed_at_ns),
    )

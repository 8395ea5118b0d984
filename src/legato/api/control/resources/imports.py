"""What other reports say was used, as it was imported at a terminal."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import Parameter
from litestar.response import Response

from legato.accounting.totals import by_model
from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, Shown, known_id, moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.errors import NotFound
from legato.core.imported_usage import UsageImport as StoredImport
from legato.core.permission import Permission

Currency = Annotated[str, Parameter(description="Of which amounts it tells.", pattern="^[A-Z]{3}$")]


class UsageImport(Shown, frozen=True, kw_only=True):
    """One file that was taken in; `sha256` is of what it held, unpacked."""

    id: str
    org: str
    source: str
    name: str
    sha256: str
    imported_at: str
    start: str
    end: str
    lines: int
    skipped: int
    bad: int
    rows: int
    calls: int


class UsageImportPage(Shown, frozen=True, kw_only=True):
    """A page of imports, in the order they were made."""

    data: list[UsageImport]
    next_cursor: str | None


class ModelUsage(Shown, frozen=True, kw_only=True):
    """What one model was used for, in one currency; `cost` is null where no line says it."""

    vendor: str
    model: str
    currency: str
    requests: int | None
    input_tokens: int
    output_tokens: int
    cost: str | None
    lines_without_cost: int
    lines: int


class UsageImportDetail(Shown, frozen=True, kw_only=True):
    """An import with its sums by model, what repeats, and the first lines that can't be read."""

    usage_import: UsageImport
    models: list[ModelUsage]
    repeats: Any
    problems: Any


class BaselineReport(Shown, frozen=True, kw_only=True):
    """As `legato baseline report --json` prints it, without assumptions of anybody."""

    report: Any


@read("/usage-imports", Permission.IMPORT_READ, tags=["usage imports"])
def list_usage_imports(
    services: Given[Services], caller: Given[Caller], cursor: Cursor = None, limit: Limit = LIMIT
) -> UsageImportPage:
    """List the imports within reach, in the order they were made."""
    store = services.usage_imports(caller.reach)
    rows, following = paged(
        services.cursors,
        "usage-imports",
        (cursor, limit),
        lambda count, after: store.page(count, after or ""),
        name=lambda one: one.id,
    )
    return UsageImportPage(data=[_shown(one) for one in rows], next_cursor=following)


@read("/usage-imports/{import_id:str}", Permission.IMPORT_READ, tags=["usage imports"])
def get_usage_import(
    services: Given[Services], caller: Given[Caller], import_id: Id
) -> UsageImportDetail:
    """Show an import: its sums by model, what repeats, what could not be read."""
    store = services.usage_imports(caller.reach)
    found = store.get(known_id(import_id))
    models = by_model(store.usage(found.org, import_id=found.id))
    return UsageImportDetail(
        usage_import=_shown(found),
        models=[ModelUsage(**one) for one in models],
        repeats=msgspec.json.decode(found.repeats) or None,
        problems=msgspec.json.decode(found.problems),
    )


@make(
    "/usage-imports/{import_id:str}/delete",
    Permission.IMPORT_DELETE,
    tags=["usage imports"],
    status_code=200,
)
def delete_usage_import(
    services: Given[Services], caller: Given[Caller], *, once: Given[Once], import_id: Id
) -> Response[UsageImport]:
    """Forget an import with all its sums."""

    def work() -> Made:
        gone = services.usage_imports(caller.reach).forget(known_id(import_id))
        return Made(_shown(gone), status=200)

    return once(None, work)


@read("/baseline-report", Permission.IMPORT_READ, tags=["usage imports"])
def get_baseline_report(
    services: Given[Services], caller: Given[Caller], org: Org = None, currency: Currency = "USD"
) -> BaselineReport:
    """Say what a month cost by what was imported, and what caches would change."""
    found = services.world_before(caller.tenant(org), currency)
    if found is None:
        raise NotFound(f"no usage in {currency} is imported", param="currency")
    return BaselineReport(report=found)


HANDLERS = (list_usage_imports, get_usage_import, delete_usage_import, get_baseline_report)


def _shown(one: StoredImport) -> UsageImport:
    return UsageImport(
        id=one.id,
        org=one.org,
        source=one.source,
        name=one.name,
        sha256=one.digest,
        imported_at=moment(one.at_ns),
        start=moment(one.start_ns),
        end=moment(one.end_ns),
        lines=one.lines,
        skipped=one.skipped,
        bad=one.bad,
        rows=one.rows,
        calls=one.calls,
    )

"""Reports that people sign, and the ledger as FOCUS: files, each made by threads of their own."""

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Annotated, Any, Final, Literal

from litestar.di import NamedDependency as Given
from litestar.params import Parameter
from litestar.response import Response, Stream

from legato.accounting import focus
from legato.api.control.access import Caller, file_in, read
from legato.api.control.attachments import attachment
from legato.api.control.forms import Shown, moment_ns
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest, LegatoError, OperatorError
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.finance.plans import DRAWS, DRAWS_MAX, Asked, assumed
from legato.finance.window import DAYS, DAYS_MAX
from legato.reporting.wanted import FORMS, MEDIA, PERIOD, TITLES, Form, Kind, Wanted
from legato.storage.ledger.entries import EntryFilter, Row

Org = Annotated[str | None, Parameter(max_length=128, required=False)]
KindNamed = Annotated[Kind, Parameter(description="Which of them.")]
FormNamed = Annotated[Form, Parameter(required=False)]
PeriodNamed = Annotated[
    str,
    Parameter(
        max_length=32,
        description="30d, 2026-11, 2026-Q4, A..B; whole months for pnl, seven days for digest, a "
        "fiscal period's name for chargeback.",
    ),
]
Currency = Annotated[
    str | None,
    Parameter(pattern="^[A-Z]{3}$", required=False, description="Of a chargeback, as EUR."),
]
Assume = Annotated[
    list[str] | None,
    Parameter(required=False, max_items=50, description="NAME=VALUE, for this report only."),
]
Narrow = Annotated[str | None, Parameter(max_length=64, required=False)]
Grain = Annotated[Literal["day", "entry"], Parameter(required=False)]
FocusForm = Annotated[Literal["csv", "parquet"], Parameter(required=False)]
_PART_BYTES: Final = 256 * 1024


class ReportAbout(Shown, frozen=True, kw_only=True):
    """A report there is, and in which forms."""

    id: str
    title: str
    forms: list[str]


class ReportList(Shown, frozen=True, kw_only=True):
    """All reports there are."""

    data: list[ReportAbout]


@read("/reports", Permission.REPORT_READ, tags=["reports"])
def list_reports() -> ReportList:
    """List the reports there are."""
    data = [ReportAbout(id=kind, title=title, forms=[*FORMS]) for kind, title in TITLES.items()]
    return ReportList(data=data)


@read(
    "/reports/{kind:str}",
    Permission.REPORT_READ,
    tags=["reports"],
    operation_class=file_in(MEDIA.values()),
    sync_to_thread=None,
)
async def get_report(  # noqa: PLR0913 - one parameter for each thing that can be said
    services: Given[Services],
    caller: Given[Caller],
    *,
    kind: KindNamed,
    form: FormNamed = "json",
    period: PeriodNamed = PERIOD,
    currency: Currency = None,
    days: Annotated[int, Parameter(ge=1, le=DAYS_MAX)] = DAYS,
    assume: Assume = None,
    draws: Annotated[int, Parameter(ge=0, le=DRAWS_MAX)] = DRAWS,
    org: Org = None,
) -> Response[bytes]:
    """Give a report as a file; the audit log names its digest, in `x-legato-digest`."""
    wanted = Wanted(
        kind=kind,
        form=form,
        org=caller.tenant(org).org,
        period=period,
        plan=Asked(days=days, assume=assumed(assume or ()), draws=draws),
        currency=currency,
    )
    try:
        made = await services.identity.lanes.reports.run(lambda: services.reports().make(wanted))
    except OperatorError as error:
        raise _refused(error) from None
    headers = {
        "x-legato-digest": f"sha256:{made.digest}",
        "x-legato-audit-event": str(made.event),
        **attachment(f"{kind}.{form}"),
    }
    return Response(content=made.document, media_type=MEDIA[form], headers=headers)


@read(
    "/ledger/focus",
    Permission.LEDGER_READ,
    tags=["ledger"],
    shows="ledger.export",
    operation_class=file_in((MEDIA["csv"], MEDIA["parquet"])),
    sync_to_thread=None,
)
async def get_focus(  # noqa: PLR0913 - one parameter for each thing that can be said
    services: Given[Services],
    caller: Given[Caller],
    *,
    form: FocusForm = "csv",
    grain: Grain = "day",
    period: Annotated[
        str | None, Parameter(max_length=64, required=False, description="A fiscal period's name.")
    ] = None,
    since: Narrow = None,
    until: Narrow = None,
    without_unpriced: Annotated[bool, Parameter(required=False)] = False,
    org: Org = None,
) -> Stream:
    """Give an organisation's entries as FOCUS 1.2, by day or entry."""
    tenant = caller.tenant(org)
    wanted = EntryFilter(since_ns=moment_ns(since, "since"), until_ns=moment_ns(until, "until"))

    def work() -> IO[bytes]:
        rows, calendar = _entries(services, tenant, wanted, period)
        priced = (row for row in rows if row["cost"] is not None) if without_unpriced else rows
        shaped = (focus.by_day if grain == "day" else focus.by_entry)(priced, calendar)
        return _spooled(shaped, form)

    try:
        file = await services.identity.lanes.reports.run(work)
    except OperatorError as error:
        raise _refused(error) from None
    headers = attachment(f"focus-{tenant.org}.{form}")
    return Stream(_parts(file), media_type=MEDIA[form], headers=headers)


HANDLERS = (list_reports, get_report, get_focus)


def _entries(
    services: Services, tenant: Tenant, wanted: EntryFilter, period: str | None
) -> tuple[Iterator[Row], Any]:
    """Return the entries that are meant, and the organisation's calendar. Raises NotFound."""
    books = services.accounting(tenant).books
    if period:
        found = books.find(period).period
        wanted = EntryFilter(since_ns=found.start_ns, until_ns=found.end_ns)
    return services.entries(tenant).export_rows(wanted), books.terms().calendar


def _spooled(rows: Iterator[dict[str, Any]], form: str) -> IO[bytes]:
    """Write it to a file without a name: what is refused is refused before anything is sent."""
    file = TemporaryFile()  # noqa: SIM115 - it is closed when it was sent
    try:
        (focus.write_csv if form == "csv" else focus.write_parquet)(rows, file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(_PART_BYTES):
            yield part


def _refused(error: OperatorError) -> LegatoError:
    """Say what an operator has to install as what it is to a caller: a form there isn't here."""
    return InvalidRequest(error.message, param="form")

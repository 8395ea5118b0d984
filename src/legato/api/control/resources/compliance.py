"""Compliance: how controls stand, what checks came to, reports."""

from typing import Annotated, Any, Final, Literal

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta, field

from legato.api.control.access import file_in, make, read
from legato.api.control.attachments import attachment
from legato.api.control.forms import Form, Shown, moment, moment_ns
from legato.api.control.once import Made, Once
from legato.api.control.services import Services
from legato.core.compliance import ControlStatus, Framework, Result, Status
from legato.core.errors import InvalidRequest, OperatorError
from legato.core.permission import Permission

Wanted = Annotated[Framework | None, Parameter(required=False)]
Of = Annotated[Framework, Parameter(description="Whose rules.")]
FileForm = Annotated[Literal["json", "pdf"], Parameter(required=False)]
Narrow = Annotated[str | None, Parameter(max_length=128, required=False)]
_HISTORY_MAX: Final = 1_000
_MEDIA: Final = {"json": "application/json", "pdf": "application/pdf"}


class CheckResult(Shown, frozen=True, kw_only=True):
    """Looks of a check that came to the same, one after the other; the last one's evidence."""

    check: str
    node: str
    status: Status
    told: str
    evidence: dict[str, Any]
    first: str
    last: str
    times: int


class ControlView(Shown, frozen=True, kw_only=True):
    """A control: what it demands in our words, how it stands, and what Legato can't show."""

    framework: Framework
    id: str
    demands: str
    status: Status
    checks: tuple[str, ...]
    results: list[CheckResult]
    unseen: tuple[str, ...]
    beyond: str


class ControlList(Shown, frozen=True, kw_only=True):
    """All controls, or those of a framework."""

    data: list[ControlView]


class ResultList(Shown, frozen=True, kw_only=True):
    """What checks came to, newest first; at most a thousand."""

    data: list[CheckResult]


class LookWanted(Form, frozen=True, kw_only=True):
    """Which checks are to look; none named means all, `heavy` ones only where it says so."""

    checks: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = field(
        default_factory=list
    )
    heavy: bool = False


class LookView(Shown, frozen=True, kw_only=True):
    """What one look came to."""

    check: str
    node: str
    status: Status
    told: str
    evidence: dict[str, Any]
    changed: bool


class LookList(Shown, frozen=True, kw_only=True):
    """What came of looking."""

    data: list[LookView]


@read("/compliance/controls", Permission.COMPLIANCE_READ, tags=["compliance"])
def list_controls(services: Given[Services], framework: Wanted = None) -> ControlList:
    """List controls and how each stands. One without a live check says so."""
    return ControlList(data=[_control(one) for one in services.compliance().standing(framework)])


@read("/compliance/history", Permission.COMPLIANCE_READ, tags=["compliance"])
def list_results(
    services: Given[Services], check: Narrow = None, since: Narrow = None, until: Narrow = None
) -> ResultList:
    """List what checks came to, and from when to when."""
    from_ns = moment_ns(since, "since") or 0
    found = services.compliance().history(check or "", from_ns, moment_ns(until, "until"))
    return ResultList(data=[_result(one) for one in reversed(found[-_HISTORY_MAX:])])


@make("/compliance/looks", Permission.COMPLIANCE_RUN, tags=["compliance"], status_code=200)
def look_now(
    services: Given[Services], once: Given[Once], data: JSONBody[LookWanted]
) -> Response[LookList]:
    """Look now, and keep what is found."""

    def work() -> Made:
        found = services.compliance().look(data.checks, heavy=data.heavy)
        views = [
            LookView(
                check=one.check,
                node=one.node,
                status=one.finding.status,
                told=one.finding.told,
                evidence=one.finding.evidence,
                changed=one.changed,
            )
            for one in found
        ]
        return Made(LookList(data=views), status=200)

    return once(data, work)


@read(
    "/compliance/report",
    Permission.COMPLIANCE_READ,
    tags=["compliance"],
    operation_class=file_in(_MEDIA.values()),
)
def get_report(
    services: Given[Services],
    *,
    framework: Of,
    form: FileForm = "json",
    since: Narrow = None,
    until: Narrow = None,
) -> Response[bytes]:
    """Give a report as JSON or PDF; the audit log names its digest, in `x-legato-digest`."""
    period = (moment_ns(since, "since"), moment_ns(until, "until"))
    try:
        made = services.compliance().report(framework, form, period)
    except OperatorError as error:
        raise InvalidRequest(error.message, param="form") from None
    headers = {
        "x-legato-digest": f"sha256:{made.digest}",
        "x-legato-audit-event": str(made.event),
        **attachment(f"compliance-{framework.value}.{form}"),
    }
    return Response(content=made.document, media_type=_MEDIA[form], headers=headers)


HANDLERS = (list_controls, list_results, look_now, get_report)


def _control(one: ControlStatus) -> ControlView:
    return ControlView(
        framework=one.control.framework,
        id=one.control.id,
        demands=one.control.demands,
        status=one.status,
        checks=one.control.checks,
        results=[_result(each) for each in one.results],
        unseen=one.unseen,
        beyond=one.control.beyond,
    )


def _result(one: Result) -> CheckResult:
    return CheckResult(
        check=one.check,
        node=one.node,
        status=one.status,
        told=one.told,
        evidence=one.evidence,
        first=moment(one.first_ns),
        last=moment(one.last_ns),
        times=one.times,
    )

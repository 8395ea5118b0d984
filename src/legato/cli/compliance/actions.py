"""What `legato compliance` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from legato.app.checks.configuration import storage_secret
from legato.app.checks.instance import find_instance
from legato.app.compliance.checks import CHECKS
from legato.app.compliance.desk import ComplianceDesk, Form
from legato.app.config.problems import Path as ConfigPath
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.spans import Moment, time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.compliance import ControlStatus, Framework, Status
from legato.core.errors import OperatorError

Place = tuple[Path, Path | None]
_DAYS_90_NS: Final = 90 * 86_400_000_000_000
_BAD: Final = frozenset({Status.FAIL, Status.WARN})


def status(place: Place, *, as_json: bool, framework: str | None, failing: bool) -> None:
    """Print how controls stand."""
    with _desk(place) as desk:
        found = desk.standing(None if framework is None else Framework(framework))
    shown = [one for one in found if one.status in _BAD or not failing]
    if as_json:
        print_json(shown)
        return
    rows = [
        (one.control.framework.value, one.control.id, _word(one.status), _why(one)) for one in shown
    ]
    print_table(("framework", "control", "status", "why"), rows)
    for name in dict.fromkeys(one.control.framework for one in found):
        of = [one.status for one in found if one.control.framework is name]
        counts = ", ".join(f"{of.count(each)} {_word(each)}" for each in Status if each in of)
        click.echo(f"{name.value}: {counts}")


def checks(place: Place, *, as_json: bool) -> None:
    """Print all checks with what they came to last."""
    with _desk(place) as desk:
        newest = desk.newest()
    if as_json:
        print_json(newest)
        return
    rows = []
    for name, check in CHECKS.items():
        mine = [one for one in newest if one.check == name]
        for one in mine:
            looked = time_text(one.last_ns)
            rows.append((name, one.node, _word(one.status), looked, one.told))
        if not mine:
            rows.append((name, "", "never looked", "", check.looks_at))
    print_table(("check", "machine", "status", "looked", "found"), rows)


def look(place: Place, names: tuple[str, ...], *, as_json: bool, heavy: bool) -> None:
    """Look now, and print what is found."""
    with _desk(place) as desk:
        found = desk.look(names, heavy=heavy)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.check,
            _word(one.finding.status) + (" (changed)" if one.changed else ""),
            one.finding.told,
            CHECKS[one.check].remedy if one.finding.status in _BAD else "",
        )
        for one in found
    ]
    print_table(("check", "status", "found", "remedy"), rows)


def history(
    place: Place, *, as_json: bool, check: str, since: Moment | None, until: Moment | None
) -> None:
    """Print what checks came to in a period."""
    now_ns = SystemClock().now_ns()
    from_ns = now_ns - _DAYS_90_NS if since is None else since.before(now_ns)
    to_ns = None if until is None else until.before(now_ns)
    with _desk(place) as desk:
        found = desk.history(check, from_ns, to_ns)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.check,
            one.node,
            _word(one.status),
            time_text(one.first_ns),
            time_text(one.last_ns),
            str(one.times),
            one.told,
        )
        for one in found
    ]
    columns = ("check", "machine", "status", "first", "last", "times", "found")
    print_table(columns, rows, numbers=("times",))


def report(
    place: Place,
    *,
    framework: str,
    form: Form,
    out: Path,
    since: Moment | None,
    until: Moment | None,
) -> None:
    """Write a report, and say by which event of the audit log it can be known."""
    now_ns = SystemClock().now_ns()
    period = tuple(None if one is None else one.before(now_ns) for one in (since, until))
    with _desk(place) as desk:
        made = desk.report(Framework(framework), form, (period[0], period[1]))
    try:
        out.write_bytes(made.document)
    except OSError as error:
        raise OperatorError(f"--out {out}: {error.strerror}") from None
    click.echo(f"{out}: {len(made.document)} bytes, sha256 {made.digest}")
    click.echo(f"event {made.event} of the audit log names that digest")


@contextmanager
def _desk(place: Place) -> Iterator[ComplianceDesk]:
    instance = find_instance(*place, secrets=_needed)
    with stored_data(instance) as stored:
        yield ComplianceDesk(instance, stored.audit(instance), SystemClock())


def _needed(path: ConfigPath) -> bool:
    return storage_secret(path) or path[:1] == ("limits",)


def _why(one: ControlStatus) -> str:
    if one.status is Status.NO_LIVE_CHECK and not one.control.checks:
        return one.control.beyond
    said = [f"{each.check}: {each.told}" for each in one.results if each.status in _BAD]
    said += [f"{name}: not looked at lately" for name in one.unseen]
    return "; ".join(said)


def _word(status: Status) -> str:
    return status.value.replace("_", " ")

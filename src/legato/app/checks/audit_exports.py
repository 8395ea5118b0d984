"""What can be wrong with where the audit log is copied to."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from legato.app.checks.egress import egress_of, host_problem
from legato.core.config import Config
from legato.core.config_audit import AuditExport

Problem = tuple[tuple[str, ...], str, str]
"""Where, what, and the remedy."""
_KINDS = ("file", "s3", "syslog", "webhook")


def problems_of_exports(config: Config) -> Iterator[tuple[int, Problem]]:
    """Yield what is wrong with `audit.export`, each by its index."""
    names: set[str] = set()
    for index, one in enumerate(config.audit.export):
        if one.name in names:
            yield index, (("name",), f"`{one.name}` is taken", "Give each its own name.")
        names.add(one.name)
        given = [kind for kind in _KINDS if getattr(one, kind) is not None]
        if len(given) != 1:
            told = "exactly one of `file`, `s3`, `syslog` and `webhook` is needed"
            yield index, (("name",), told, "Name one.")
            continue
        for place, address, schemes in _addresses(one):
            if told := _problem(address, schemes, config):
                remedy = f"Write {schemes[0]}://HOST, at a host that egress lets us call."
                yield index, (place, told, remedy)


def _addresses(one: AuditExport) -> Iterator[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    if one.s3 is not None:
        yield ("s3", "endpoint"), one.s3.endpoint, ("https", "http")
    if one.webhook is not None:
        yield ("webhook", "url"), one.webhook.url, ("https", "http")
    if one.syslog is not None:
        yield ("syslog", "address"), one.syslog.address, ("tls", "tcp", "udp")


def _problem(address: str, schemes: tuple[str, ...], config: Config) -> str:
    parts = urlsplit(address)
    try:
        ported = parts.port is None or parts.port > 0
    except ValueError:
        ported = False
    if parts.scheme not in schemes or not parts.hostname or parts.username or not ported:
        return f"not an address of {', '.join(schemes)}"
    try:
        return host_problem(address, egress_of(config))
    except ValueError:
        return ""  # the rules themselves are wrong, which is told at their place


def problems_of_tombstones(config: Config) -> Iterator[tuple[int, Problem]]:
    """Yield what is wrong with `tombstones.copies`, each by its index."""
    names: set[str] = set()
    for index, one in enumerate(config.tombstones.copies):
        if one.name in names:
            yield index, (("name",), f"`{one.name}` is taken", "Give each its own name.")
        names.add(one.name)
        if (one.file is None) == (one.s3 is None):
            told = "exactly one of `file` and `s3` is needed: a list has to be read back"
            yield index, (("name",), told, "Name one.")
        elif one.s3 is not None and (told := _problem(one.s3.endpoint, ("https", "http"), config)):
            remedy = "Write https://HOST, at a host that egress lets us call."
            yield index, (("s3", "endpoint"), told, remedy)

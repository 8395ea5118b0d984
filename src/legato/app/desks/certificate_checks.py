"""Whether the listeners' certificates can be used, and for how long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from legato.app.certificates import Certificates
from legato.app.desks.check import Check, State
from legato.core.clock import SystemClock
from legato.core.config_server import Server, Tls
from legato.core.errors import OperatorError

_LEFT_MIN = timedelta(days=21)
"""Whoever renews at two thirds of ninety days has done it by then."""
_REMEDY = "Store new files in their place: no restart is needed."


def certificate_checks(server: Server) -> Iterator[Check]:
    """Yield a finding for each listener with TLS."""
    named = {"server.tls": server.tls}
    for name, apart in (("server.admin.tls", server.admin), ("server.metrics.tls", server.metrics)):
        named[name] = None if apart is None else apart.tls
    for name, tls in named.items():
        if tls is not None:
            yield _certificate(name, tls)


def _certificate(name: str, tls: Tls) -> Check:
    try:
        Certificates(tls).context()
        found = load_pem_x509_certificate(Path(tls.cert_file).read_bytes())
    except (OperatorError, ValueError, OSError) as error:
        return Check(name, State.FAILED, str(error), _REMEDY)
    now = datetime.fromtimestamp(SystemClock.now_ns() / 1e9, UTC)
    left = found.not_valid_after_utc - now
    ends = f"{tls.cert_file} ends {found.not_valid_after_utc:%Y-%m-%d}"
    if left <= timedelta():
        return Check(name, State.FAILED, ends, _REMEDY)
    return Check(name, State.GOOD if left > _LEFT_MIN else State.WARNING, ends, _REMEDY)

"""Checks of what goes over networks: to the listeners, to providers and to stores."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from legato.app.checks.compliance_rules import is_local
from legato.app.compliance.check import LiveCheck, few, not_applicable, passed_unless
from legato.app.compliance.scene import Scene
from legato.app.desks.certificate_checks import certificate_checks
from legato.app.desks.check import State
from legato.core.compliance import Finding, Status

if TYPE_CHECKING:
    from legato.core.config_server import Tls

_BY_STATE: Final = {
    State.GOOD: Status.PASS,
    State.WARNING: Status.WARN,
    State.FAILED: Status.FAIL,
}
_CHECKED_MODES: Final = frozenset({"verify-ca", "verify-full"})


def _listeners(scene: Scene) -> Finding:
    server = scene.file.server
    listeners: dict[str, tuple[str, Tls | None]] = {"server": (server.host, server.tls)}
    for name, apart in (("server.admin", server.admin), ("server.metrics", server.metrics)):
        if apart is not None:
            listeners[name] = (apart.host, apart.tls)
    evidence: dict[str, Any] = {
        name: {"host": host, "tls_min": None if tls is None else tls.version_min}
        for name, (host, tls) in listeners.items()
    }
    outside = {name: tls for name, (host, tls) in listeners.items() if not is_local(host)}
    plain = sorted(name for name, tls in outside.items() if tls is None)
    if not outside:
        return not_applicable("all listeners are reached from this machine alone", **evidence)
    if plain and server.trusted_proxies:
        told = f"without TLS behind load balancers, whose own can't be seen here: {few(plain)}"
        return Finding(Status.WARN, told, evidence)
    return passed_unless(
        plain, f"{len(outside)} speak TLS alone", "reached from outside without TLS", **evidence
    )


def _certificates(scene: Scene) -> Finding:
    found = list(certificate_checks(scene.file.server))
    if not found:
        return not_applicable("no listener has a certificate")
    evidence = {one.name: one.found for one in found}
    states = [_BY_STATE[one.state] for one in found]
    worst = next(one for one in Status if one in states)
    bad = [f"{one.name}: {one.found}" for one in found if one.state is not State.GOOD]
    return Finding(worst, few(bad) if bad else "all are good for more than 21 days", evidence)


def _providers(scene: Scene) -> Finding:
    config = scene.config
    addresses = {one.name: one.base_url for one in config.providers if one.base_url}
    if not config.providers:
        return not_applicable("no provider is configured")
    outside = {name: url for name, url in addresses.items() if not is_local(urlsplit(url).hostname)}
    plain = [name for name, url in outside.items() if urlsplit(url).scheme != "https"]
    own = len(config.providers) - len(addresses)  # addresses that kinds know are https
    evidence = {"providers": len(config.providers), "elsewhere": len(outside), "kinds_own": own}
    good = f"all {len(outside) + own} that aren't this machine's are called by https"
    return passed_unless(plain, good, "called without TLS", **evidence)


def _stores(scene: Scene) -> Finding:
    bad, evidence = [], {}
    url = urlsplit(scene.url)
    if url.scheme.startswith("sqlite"):
        evidence["database"] = "a file of this machine"
    else:
        mode = parse_qs(url.query).get("sslmode", ["prefer"])[-1]
        # a path as host is a socket of this machine
        outside = bool(url.hostname) and not is_local(url.hostname)
        evidence["database"] = f"elsewhere, sslmode {mode}" if outside else "this machine"
        if outside and mode not in _CHECKED_MODES:
            bad.append(f"storage.url has sslmode {mode}")
    store = scene.file.limits.store
    if store is not None:
        leases = urlsplit(scene.loaded.secret(store.url) or "")
        outside = bool(leases.hostname) and not is_local(leases.hostname)
        evidence["limits.store"] = leases.scheme if outside else "this machine"
        if outside and leases.scheme != "rediss":
            bad.append(f"limits.store is spoken to by {leases.scheme}")
    if not bad and "elsewhere" not in str(evidence.values()) and store is None:
        return not_applicable("the database is on this machine", **evidence)
    return passed_unless(bad, "stores elsewhere are proven by TLS", "not proven", **evidence)


TRANSPORT_CHECKS: Final = (
    LiveCheck(
        "listeners-speak-tls",
        "whether each listener that is reached from outside has TLS",
        _listeners,
        "Set server.tls (server.admin.tls, server.metrics.tls), or listen on 127.0.0.1.",
        of_machine=True,
    ),
    LiveCheck(
        "certificates-in-date",
        "until when the listeners' certificates are good, and that their keys fit",
        _certificates,
        "Store new files in their place: no restart is needed.",
        of_machine=True,
    ),
    LiveCheck(
        "providers-by-tls",
        "whether every provider elsewhere is called by https",
        _providers,
        "Give those providers a base_url that begins with https://.",
    ),
    LiveCheck(
        "stores-by-tls",
        "whether a database or store of leases elsewhere proves who it is",
        _stores,
        "Add sslmode=verify-full to storage.url, and use rediss:// for limits.store.",
    ),
)

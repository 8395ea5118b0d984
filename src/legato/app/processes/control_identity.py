"""Who may come to the control API: what its process makes of the configuration's `accounts`."""

import logging
from collections.abc import Callable
from typing import Final

from legato.api.control.lanes import Lanes
from legato.api.control.services import Identity
from legato.app.checks.instance import running_server
from legato.app.context import ControlContext
from legato.app.desks.identity import identity_rooms
from legato.app.desks.roles import role_stores
from legato.app.processes.oidc_sign_in import LazyOidc
from legato.core.clock import SystemClock
from legato.identity.attempts import Attempts
from legato.identity.origins import own_origins
from legato.identity.presence import Presence
from legato.identity.signing_in import SigningIn
from legato.telemetry.metrics import Meters
from legato.vault.master import Vault

log = logging.getLogger(__name__)

_SNAPSHOT: Final = "metrics-control.bin"
_COOKIE: Final = "legato-session"
_HOST_COOKIE: Final = "__Host-legato-session"
"""A browser takes it over TLS only, from this host only, and for all of it."""


def control_identity(context: ControlContext, vault: Vault) -> Identity:
    """Assemble it."""
    grants_of = role_stores(context.database_url, SystemClock()).grants_of
    config = context.loaded.config.accounts
    rooms = identity_rooms(context.database_url, config, vault)
    signing_in = SigningIn(rooms)
    presence = Presence(rooms, signing_in, grants_of, _origins(context))
    server = context.loaded.config.server
    listener = server.admin or server
    by_tls = (config.external_url or "").startswith("https://") or listener.tls is not None
    secure = config.secure_cookies or by_tls
    name = _HOST_COOKIE if secure else _COOKIE
    return Identity(
        rooms=rooms,
        signing_in=signing_in,
        presence=presence,
        oidc=LazyOidc(context, rooms, signing_in, vault),
        attempts=Attempts(rooms.now_ns),
        lanes=Lanes(),
        cookie_name=name,
        secure_cookies=secure,
        counted=_counted(context),
    )


def own_url(context: ControlContext) -> str:
    """Return where callers reach this server: as configured, else where it listens."""
    said = context.loaded.config.accounts.external_url
    return said or min(_origins(context))


def _counted(context: ControlContext) -> Callable[[str, str], None]:
    """Return what counts attempts to sign in: each is written down at once, as they are few."""
    meters = Meters(context.data.run / _SNAPSHOT)

    def count(method: str, result: str) -> None:
        meters.sign_in(method, result)
        try:
            meters.save()
        except OSError as error:
            log.warning("no metrics snapshot", extra={"reason": error.strerror})

    return count


def _origins(context: ControlContext) -> frozenset[str]:
    config = context.loaded.config
    server = running_server(context.data)
    listener = config.server.admin or config.server
    host, port = listener.host, listener.port
    if server is not None and config.server.admin is None:  # a port that the system chose
        host, port = server.host, server.port
    scheme = "http" if listener.tls is None else "https"
    return own_origins(config.accounts.external_url, host, port, scheme)

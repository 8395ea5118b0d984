"""What the control process listens with: the API as one application, the console beside it."""

from legato.api.console.serving import with_console
from legato.api.control.application import build_application
from legato.api.control.asgi import AsgiBridge
from legato.api.control.proxy import BODY_BYTES_MAX
from legato.api.control.services import Services
from legato.api.http1.connection import Listener
from legato.api.http1.limits import ConnectionLimits


def control_listener(services: Services) -> Listener:
    """Return it; call it with the event loop running."""
    limits = ConnectionLimits(body_bytes_max=BODY_BYTES_MAX)
    return Listener(with_console(AsgiBridge(build_application(services))), limits)

"""What the control process listens with: the API, the sample's beside it, and the console."""

from typing import TYPE_CHECKING

import msgspec

from legato.api.console.serving import with_console
from legato.api.control.application import build_application
from legato.api.control.asgi import AsgiBridge
from legato.api.control.proxy import BODY_BYTES_MAX
from legato.api.http1.connection import Listener
from legato.api.http1.limits import ConnectionLimits
from legato.app.context import ControlContext
from legato.app.processes.control_sample import SAMPLE_PREFIX, SampleApi
from legato.app.processes.control_services import assemble
from legato.app.processes.refusals import RefusalWriter
from legato.core.tasks import InThread
from legato.governance.keyring import Keyring

if TYPE_CHECKING:
    from legato.api.http1.exchange import Exchange


class Control(msgspec.Struct, eq=False):
    """What the control process runs."""

    listener: Listener
    keyring: Keyring
    refusals: RefusalWriter


def build_control(context: ControlContext, in_thread: InThread) -> Control:
    """Assemble it; call it with the event loop running."""
    assembled = assemble(context, in_thread)
    own = AsgiBridge(build_application(assembled.services))
    sample = SampleApi(context, assembled.services, in_thread)

    async def api(exchange: "Exchange") -> None:
        await (sample if exchange.path.startswith(SAMPLE_PREFIX) else own)(exchange)

    limits = ConnectionLimits(body_bytes_max=BODY_BYTES_MAX)
    listener = Listener(with_console(api), limits)
    return Control(listener, assembled.keyring, assembled.refusals)

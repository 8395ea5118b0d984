"""The control API of sample data, below `/api/sample/`: read only, over a database of its own.

Of POST it takes what only asks: what a definition comes to, what a projection says.

Whoever is known to the instance is known here, as a reader. Assembled when somebody first asks,
and again when other sample data has taken its place.
"""

import asyncio
import re
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from legato.api.control.application import build_application
from legato.api.control.asgi import AsgiBridge
from legato.api.control.errors import JSON, REQUEST_ID, error_body
from legato.api.control.services import Services
from legato.app.context import ControlContext
from legato.app.models.vaults import open_data_keys
from legato.app.processes.control_services import assemble
from legato.app.sample.company import ORG
from legato.app.sample.opening import sample_instance, sample_prices
from legato.app.sample.place import Made, SamplePlace
from legato.core.authority import reach_for
from legato.core.errors import LegatoError, MethodNotAllowed, NotFound
from legato.core.permission import Permission
from legato.core.principal import Principal
from legato.core.roles import EVERY_ORG, Grant, Role
from legato.core.tasks import InThread
from legato.gateway.breakers import BreakerBoard
from legato.gateway.loads import LoadBoard
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine

if TYPE_CHECKING:
    from legato.api.http1.exchange import Exchange

SAMPLE_PREFIX: Final = "/api/sample/"
_ASKS: Final = re.compile(
    SAMPLE_PREFIX + r"v1/(workflows/[a-z]+|finance/projection|evaluations/estimate|"
    r"guardrails/preview|routes/[^/]+/what-if|cache/what-if)"
)
"""What is asked by POST, since it takes a body, and changes nothing."""
_READS: Final = frozenset(one for one in Permission if one.value.endswith(":read"))


class SampleApi:
    """Answers what is asked below its prefix as the control API answers below `/api/`."""

    def __init__(self, context: ControlContext, own: Services, in_thread: InThread) -> None:
        """`own` are the services of the instance, which knows who asks."""
        self._context = context
        self._own = own
        self._in_thread = in_thread
        self._place = SamplePlace(context.data.root)
        self._lock = asyncio.Lock()
        self._made: Made | None = None
        self._api: AsgiBridge | None = None

    async def __call__(self, exchange: "Exchange") -> None:
        """Serve one request."""
        try:
            asks = exchange.method == b"POST" and _ASKS.fullmatch(exchange.path)
            if exchange.method not in {b"GET", b"HEAD"} and not asks:
                raise MethodNotAllowed("Sample data is for looking at: nothing changes it.")
            api = await self._current()
        except LegatoError as error:
            request_id = exchange.headers.get(REQUEST_ID, b"").decode("ascii", "replace")
            body = msgspec.json.encode(error_body(error, request_id))
            await exchange.reply(error.http_status, [JSON], body)
            return
        exchange.path = "/api/" + exchange.path.removeprefix(SAMPLE_PREFIX)
        await api(exchange)

    async def _current(self) -> AsgiBridge:
        async with self._lock:
            made = await self._in_thread(self._place.made)
            if made is None:
                self._made = self._api = None
                raise NotFound("There is no sample data here.")
            if self._api is None or made != self._made:
                context = await self._in_thread(lambda: self._opened(made))
                self._api = AsgiBridge(build_application(self._services(context)))
                self._made = made
            return self._api

    def _opened(self, made: Made) -> ControlContext:
        instance = sample_instance(self._place.home(made))
        engine = open_engine(instance.database_url)
        try:
            root = open_data_keys(instance.loaded, instance.data, DataKeyTable(engine)).root()
        finally:
            engine.dispose()
        prices = sample_prices(instance.loaded.config)
        breakers = BreakerBoard(tuple(prices), instance.data.run / "breakers.lock")
        return ControlContext(
            self._context.boot_id,
            instance.loaded,
            instance.data,
            instance.database_url,
            self._context.listener,
            root,
            breakers,
            LoadBoard(breakers.unguarded, 1),
            prices,
        )

    def _services(self, context: ControlContext) -> Services:
        sample, own = assemble(context, self._in_thread).services, self._own
        identity = replace(
            sample.identity,
            presence=own.identity.presence,
            cookie_name=own.identity.cookie_name,
            secure_cookies=own.identity.secure_cookies,
        )
        return replace(
            sample,
            authenticator=own.authenticator,
            identity=identity,
            sample=own.sample,
            seen_as=_as_reader,
        )


def _as_reader(principal: Principal) -> Principal:
    """Return who is known to the instance as somebody who may look at all of the sample."""
    may = reach_for(principal, Permission.SAMPLE_DATA_READ) is not None
    grants = (Grant(Role.VIEWER.value, _READS, EVERY_ORG),) if may else ()
    return Principal(
        principal.key_id,
        principal.name,
        ORG,
        "",
        "",
        scopes=frozenset(),
        kind=principal.kind,
        grants=grants,
    )

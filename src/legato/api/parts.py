"""What a listener serves where not all is served on each."""

from collections.abc import Awaitable, Callable

from legato.api.http1.exchange import Exchange
from legato.api.openai.errors import error_body
from legato.api.places import ROOT, is_control
from legato.core.errors import NotFound

Serve = Callable[[Exchange], Awaitable[None]]
METRICS_PATH = "/metrics"
_HEALTH = frozenset({"/healthz", "/readyz"})
_JSON = (b"content-type", b"application/json")


def calls_only(serve: Serve, *, control: bool, metrics: bool) -> Serve:
    """Serve what applications ask for; the control API and the metrics only where they say so."""

    def served(path: str) -> bool:
        if is_control(path) or path == ROOT:
            return control
        return metrics or path != METRICS_PATH

    return _where(served, serve)


def control_only(serve: Serve) -> Serve:
    """Serve the control API, the console and the state of health."""
    return _where(lambda path: is_control(path) or path == ROOT or path in _HEALTH, serve)


def metrics_only(serve: Serve) -> Serve:
    """Serve the metrics and the state of health."""
    return _where(lambda path: path == METRICS_PATH or path in _HEALTH, serve)


def _where(served: Callable[[str], bool], serve: Serve) -> Serve:
    async def part(exchange: Exchange) -> None:
        if served(exchange.path):
            await serve(exchange)
            return
        refused = NotFound(f"There is nothing at {exchange.path[:200]} on this listener.")
        await exchange.reply(refused.http_status, [_JSON], error_body(refused))

    return part

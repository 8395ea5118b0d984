"""One gateway worker: an event loop, the data plane on the shared socket, its housekeeping."""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import uvloop

from legato.api.http1.limits import ConnectionLimits
from legato.app.bootstrap import Gateway, build_gateway
from legato.app.context import WorkerContext
from legato.app.processes.endpoints import write_endpoints
from legato.app.processes.refusals import RefusalWriter
from legato.app.processes.serving import Serving
from legato.app.programs.processes import connections_of_files
from legato.app.secret_following import follow_stored_secrets, of_providers
from legato.core.errors import LegatoError
from legato.core.networks import read_networks
from legato.core.tasks import spawn
from legato.storage.audit.access import AccessLog

log = logging.getLogger(__name__)

_HOUSEKEEPING_S = 1.0
_GC_THRESHOLD = 20_000
"""Most objects of a request are freed by reference count; cycles are rare."""


def run(context: WorkerContext) -> None:
    """Serve until a stop signal; then finish open calls within `server.drain_s`."""
    uvloop.run(_serve(context))


async def _serve(context: WorkerContext) -> None:
    gateway = build_gateway(context)
    write_endpoints(context.data, gateway.app.endpoints)
    config = context.loaded.config.server
    tasks: set[asyncio.Task[Any]] = set()
    spawn(gateway.keyring.follow(), owner=tasks, name="keys")
    if gateway.keyring.tokens is not None:
        spawn(gateway.keyring.tokens.follow(), owner=tasks, name="token issuers")
    spawn(gateway.prompts.follow(), owner=tasks, name="prompts")
    spawn(gateway.held.follow(), owner=tasks, name="holdouts")
    spawn(gateway.governing.follower.follow(), owner=tasks, name="budgets")
    spawn(gateway.floors.follow(), owner=tasks, name="floors")
    spawn(gateway.routers.follow(gateway.in_thread), owner=tasks, name="routers")
    spawn(gateway.models.follow(), owner=tasks, name="models")
    spawn(gateway.guards.follower.follow(), owner=tasks, name="guardrails")
    spawn(_housekeeping(gateway), owner=tasks, name="housekeeping")
    refused = RefusalWriter(gateway.refusals, AccessLog(context.engine).write, gateway.in_thread)
    spawn(refused.run(), owner=tasks, name="refusals")
    spawn(gateway.governing.leases.follow(gateway.meters.gauge), owner=tasks, name="leases")
    if gateway.credentials is not None:
        spawn(gateway.credentials.follow(), owner=tasks, name="credentials")
    later = asyncio.get_running_loop().call_soon_threadsafe
    follow_stored_secrets(context.loaded, of_providers, lambda new: later(gateway.swap, new))
    if gateway.cache is not None:
        spawn(gateway.cache.follow(), owner=tasks, name="cache")
    if gateway.summaries is not None:
        spawn(gateway.summaries.follow(), owner=tasks, name="summaries")
    if gateway.semantic is not None:
        spawn(gateway.semantic.follow(), owner=tasks, name="semantic cache")
    limits = ConnectionLimits(
        body_bytes_max=config.body_bytes_max,
        keep_alive_s=config.keep_alive_s,
        reader_window_s=config.reader_window_s,
        reader_bytes_per_s_min=config.reader_bytes_per_s_min,
        trusted_proxies=read_networks(config.trusted_proxies, "server.trusted_proxies"),
        connections_max=min(ConnectionLimits().connections_max, connections_of_files()),
    )
    serving = Serving(context.listeners, gateway.app, limits)
    spawn(serving.follow_certificates(gateway.in_thread), owner=tasks, name="certificates")
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 50)
    try:
        await _listen(context, gateway, serving)
        await asyncio.gather(
            serving.drain(config.drain_s),
            gateway.shadows.end(config.drain_s),
            gateway.comparisons.end(config.drain_s),
        )
        if gateway.semantic is not None:
            await gateway.semantic.end(config.drain_s)
    finally:
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await refused.write()
        await _close(gateway)


async def _listen(context: WorkerContext, gateway: Gateway, serving: Serving) -> None:
    """Accept connections until a stop signal comes."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:  # the keys first: the very first call must not be refused
        await gateway.in_thread(gateway.keyring.load)
    except LegatoError as error:
        log.warning("starting without keys", extra={"reason": error.code})
    try:  # and the budgets: it must not go past one
        await gateway.governing.follower.load()
    except LegatoError as error:
        log.warning("starting without budgets", extra={"reason": error.code})
    try:
        await gateway.in_thread(gateway.prompts.load)
    except LegatoError as error:
        log.warning("starting without prompts", extra={"reason": error.code})
    try:
        await gateway.in_thread(gateway.held.load)
    except LegatoError as error:
        log.warning("starting without holdouts", extra={"reason": error.code})
    try:
        await gateway.models.load()
    except LegatoError as error:
        log.warning("starting without the registry's models", extra={"reason": error.code})
    try:
        await gateway.in_thread(gateway.routers.load)
    except LegatoError as error:  # until they are known the baselines answer
        log.warning("starting without trained routers", extra={"reason": error.code})
    try:
        await gateway.guards.follower.load()
    except LegatoError as error:  # until they are known nothing passes
        log.warning("starting without policies", extra={"reason": error.code})
    await serving.begin(gateway.in_thread)
    if context.ready_fd >= 0:
        os.write(context.ready_fd, b"1")
        os.close(context.ready_fd)
    await stop.wait()
    serving.close()


async def _housekeeping(gateway: Gateway) -> None:
    """Each second: give idle leases back, leave a metrics snapshot."""
    while True:
        await asyncio.sleep(_HOUSEKEEPING_S)
        gateway.meters.gauge("open_requests", gateway.app.open_calls)
        try:
            await gateway.governing.limits.return_idle()
            await gateway.governing.budgets.return_idle()
            await gateway.in_thread(gateway.governing.save_events)
        except LegatoError as error:
            log.warning("idle leases stay here for now", extra={"reason": error.code})
        try:
            await gateway.in_thread(gateway.meters.save)
        except OSError as error:
            log.warning("no metrics snapshot", extra={"reason": error.strerror})


async def _close(gateway: Gateway) -> None:
    """Leave nothing behind: idle leases go back, the cache is flushed, the journal closed."""
    gateway.meters.gauge("open_requests", 0)
    for flush in _flushes(gateway):  # one that fails keeps none of the others back
        try:
            await gateway.in_thread(flush)
        except (LegatoError, OSError) as error:
            log.warning("not everything could be flushed", extra={"reason": type(error).__name__})
    for transport in gateway.transports:
        await transport.close()
    await gateway.guards.close()
    gateway.journal.close()
    gateway.threads.shutdown(wait=False, cancel_futures=True)


def _flushes(gateway: Gateway) -> Iterator[Callable[[], object]]:
    yield gateway.governing.save_events
    if gateway.guards.samples is not None:
        yield gateway.guards.samples.close
    yield gateway.guards.maps.close
    if gateway.captures is not None:
        yield gateway.captures.close
    if gateway.cache is not None:
        yield gateway.cache.flush
    if gateway.semantic is not None:
        yield gateway.semantic.flush
    yield gateway.meters.save

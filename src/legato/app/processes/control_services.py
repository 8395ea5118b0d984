"""Assembles the control API; imported by its process only, when somebody first asks."""

import contextlib
import time
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.control.cursors import Cursors
from legato.api.control.guard_services import GuardPreviewing
from legato.api.control.live.feed import Feed
from legato.api.control.replay_services import Deciding, OpenDeciding
from legato.api.control.schedule_services import ScheduleServices
from legato.api.control.services import (
    ReviewTerms,
    RoleStores,
    Services,
)
from legato.app.asked import asked
from legato.app.batches import batch_process
from legato.app.checks.instance import Instance
from legato.app.context import ControlContext
from legato.app.desks.accounting import accounting_rooms
from legato.app.desks.budgets import budget_services
from legato.app.desks.calling import may_call
from legato.app.desks.erasing import Erasing
from legato.app.desks.finance import finance_books, margin_gates
from legato.app.desks.floor_desk import floor_of
from legato.app.desks.notification_desk import notification_services
from legato.app.desks.proposing import Proposing
from legato.app.desks.registry_access import RegistryAccess
from legato.app.desks.reviews import reviews_of
from legato.app.desks.roles import role_stores
from legato.app.desks.service_levels import service_levels
from legato.app.desks.stored_data import StoredData
from legato.app.desks.thresholds import Thresholds
from legato.app.desks.twin import Twin
from legato.app.desks.what_ifs import WhatIfs
from legato.app.models.model_checks import with_unknown_credentials
from legato.app.models.model_guard import ModelGuard
from legato.app.models.router_follower import predictors, router_versions
from legato.app.models.served_models import ServedModels, charged_for, first_charge
from legato.app.models.served_reading import ServedReader
from legato.app.models.vaults import open_data_keys
from legato.app.prices.price_book import PriceBook
from legato.app.processes.audit_services import audit_services
from legato.app.processes.control_finance import insight_services, plans_of, report_desk
from legato.app.processes.control_gateway import gateway_view
from legato.app.processes.control_identity import control_identity, own_url
from legato.app.processes.control_privacy import privacy_services
from legato.app.processes.control_workflows import workflow_services
from legato.app.processes.refusals import RefusalWriter
from legato.app.ruling import rules_in_force
from legato.app.sample.desk import SampleDesk
from legato.core.clock import Clock, SystemClock
from legato.core.errors import StorageUnavailable
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.evaluation.runs import Rooms
from legato.gateway.breakers import Breakers
from legato.governance.keyring import Keyring
from legato.insights.captures import Captures
from legato.insights.guard_samples import GuardSamples
from legato.insights.kept_maps import Restoring
from legato.registry.floor_status import FloorStatus
from legato.registry.holdouts import Holdouts
from legato.registry.registry import Registry
from legato.registry.rollouts import Rollouts
from legato.storage.accounting.stores import open_stores
from legato.storage.anomalies.found import Anomalies
from legato.storage.audit.access import AccessLog
from legato.storage.changes import Changes
from legato.storage.data_keys import DataKeyTable
from legato.storage.evaluation.feedback_reading import FeedbackReader
from legato.storage.evaluation.judge_records import JudgeRecords
from legato.storage.evaluation.live_scores import LiveScoreReader, LiveScores
from legato.storage.evaluation.reviews import ReviewStore
from legato.storage.imports.usage_imports import UsageImports
from legato.storage.incidents.words import Words
from legato.storage.kept.captures import CaptureReader
from legato.storage.ledger.decided import DecidedBy
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.sums import SpendSums
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.floors import FloorStore
from legato.storage.registry.holdouts import holdout_stores
from legato.storage.registry.models import ModelPrices, RegistryModels
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.rollouts import RolloutStore
from legato.storage.registry.routers import RouterModels
from legato.storage.runs.idempotent_calls import IdempotentCalls
from legato.storage.schedules.schedules import Schedules
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.places import PlaceStore
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.vault.secrets import new_secret

if TYPE_CHECKING:
    from legato.app.caches.cache_desk import CacheDesk
    from legato.app.compliance.desk import ComplianceDesk


class Assembled(msgspec.Struct, eq=False):
    """What a control API works with, and what has to run beside it."""

    services: Services
    keyring: Keyring
    refusals: RefusalWriter


def assemble(context: ControlContext, in_thread: InThread) -> Assembled:
    """Assemble it; call it with the event loop running."""
    ids = IdSource(clock := SystemClock())
    engine, vault = context.engine, Vault(context.root)
    keyring = Keyring(KeyStore(engine, clock, ids, EVERY_TENANT), vault.digest, clock, in_thread)
    envelopes = Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine)))
    breakers = Breakers(context.breakers, context.loaded.config.breaker, time.monotonic)
    prices, live_in = ModelPrices(engine, clock), partial(RegistryModels, engine)
    kept = predictors(partial(RouterModels, engine))
    access, reader = _registry(context, live_in, prices, envelopes, predictor_kept=kept)
    audit, refusals = audit_services(context, in_thread)
    served = partial(_read_again, reader)
    opened = _opened(context, access, clock)
    services = Services(
        authenticator=keyring,
        identity=control_identity(context, vault),
        places=lambda reach: PlaceStore(engine, clock, ids, reach),
        keys=lambda reach: KeyStore(engine, clock, ids, reach),
        budgets=budget_services(context.database_url, clock),
        insights=insight_services(context, served, clock, vault=vault),
        notifications=notification_services(context.database_url, context.loaded, clock, envelopes),
        roles=_roles(context, clock, reader),
        **_spent(engine, clock, ids, Words(envelopes, vault.pseudonym)),
        schedules=_schedules(context, clock),
        **_books(context, clock, reader),
        idempotent_calls=lambda tenant: IdempotentCalls(engine, clock, tenant),
        sealing=envelopes,
        digest=vault.digest,
        new_secret=new_secret,
        now_ns=clock.now_ns,
        cursors=Cursors(vault.subkey("cursors")),
        gateway=lambda: gateway_view(_read_again(reader), breakers, context.loads),
        registry=opened,
        rollouts=_rollouts(context, opened, clock),
        proposals=_proposals(context, clock),
        reviews=lambda tenant: reviews_of(ReviewStore(engine, tenant), envelopes, tenant),
        captures=lambda reach: Captures(CaptureReader(engine, reach), envelopes),
        guard_samples=_guard_samples(context),
        restoring=_restoring(context),
        thresholds=_thresholds(context),
        asked=asked,
        review_terms=_review_terms(context),
        evaluations=_evaluations(context),
        **workflow_services(context, clock, vault=vault, access=access),
        **_charges(served),
        wake_runs=lambda: batch_process.wake(context.wake_fd),
        own_url=own_url(context),
        floor=_floor(context, reader),
        world_before=_world_before(context),
        cache=_cache(context),
        erasing=_erasing(context),
        **privacy_services(context, clock, lambda: _read_again(reader).config),
        pseudonym=vault.pseudonym,
        audit=audit,
        compliance=_compliance(context),
        live=Feed(Changes(engine)),
        reports=report_desk(context, served, clock, vault=vault),
        environment=context.loaded.config.registry.environment,
    )
    return Assembled(services, keyring, refusals)


def _schedules(context: ControlContext, clock: Clock) -> ScheduleServices:
    engine, channels = context.engine, context.loaded.config.notifications
    names = frozenset(one.name for one in channels.channels)
    return ScheduleServices(partial(Schedules, engine, clock), names, IdSource(clock).new)


def _spent(engine: Any, clock: Clock, ids: IdSource, words: Words) -> dict[str, Any]:
    """Return who tells what was spent, here and elsewhere."""
    return {
        "accounting": lambda tenant: accounting_rooms(open_stores(engine, clock, tenant), clock),
        "anomalies": partial(Anomalies, engine),
        "service_levels": service_levels(engine, clock, words),
        "holdouts": lambda tenant: Holdouts(*holdout_stores(engine, clock, ids, tenant)),
        "entries": partial(EntryReader, engine),
        "route_held": DecidedBy(engine, clock).route,
        "sums": partial(SpendSums, engine),
        "usage_imports": partial(UsageImports, engine, clock, ids),
    }


def _stored(context: ControlContext) -> tuple[Instance, StoredData]:
    return Instance(context.data, None, context.loaded), StoredData(context.database_url)


def _deciding(context: ControlContext) -> OpenDeciding:
    instance, stored = _stored(context)

    def opened(*, access_now: bool) -> Deciding:
        from legato.app.desks.replaying import open_replay  # noqa: PLC0415 - brings the gateway

        return open_replay(instance, stored, access_now=access_now)

    return opened


def _books(context: ControlContext, clock: Clock, reader: ServedReader) -> dict[str, Any]:
    """Return what reads and keeps rows, by who may meet them."""
    engine = context.engine
    return {
        "sample": SampleDesk(context.data.root, AccessLog(engine).record),
        "deciding": _deciding(context),
        "guard_preview": _guard_preview(context),
        "what_ifs": WhatIfs(context.data.root),
        "feedback": partial(FeedbackReader, engine),
        "finance": finance_books(context.database_url, clock),
        "planning": plans_of(context, clock, lambda: _read_again(reader)),
        "judge_records": partial(JudgeRecords, engine),
        "live_scores": partial(LiveScores, engine),
        "live_score_reader": partial(LiveScoreReader, engine),
    }


def _opened(
    context: ControlContext, access: RegistryAccess, clock: Clock
) -> Callable[[Tenant], Registry]:
    engine, ids = context.engine, IdSource(clock)

    def of(tenant: Tenant) -> Registry:
        stores = (RegistryReader(engine, tenant), RegistryChanges(engine, clock, ids, tenant))
        return access.open(tenant.org, stores)

    return of


def _floor(context: ControlContext, reader: ServedReader) -> Callable[[str, str], FloorStatus]:
    engine, clock = context.engine, SystemClock()
    store = FloorStore(engine, clock, IdSource(clock))
    environment = context.loaded.config.registry.environment
    version = router_versions(partial(RegistryReader, engine), environment)
    return lambda alias, org: floor_of(
        _read_again(reader).config, alias, org, store, router_version=version
    )


def _roles(context: ControlContext, clock: Clock, reader: ServedReader) -> RoleStores:
    return role_stores(
        context.database_url,
        clock,
        context.loaded.config.access,
        lambda who, name: may_call(who, name, _read_again(reader).config),
    )


def _rollouts(
    context: ControlContext,
    opened: Callable[[Tenant], Registry],
    clock: Clock,
) -> Callable[[Tenant], Rollouts]:
    approvals, ids = context.loaded.config.registry.approvals, IdSource(clock)
    engine = context.engine

    def of(tenant: Tenant) -> Rollouts:
        stores = (RegistryReader(engine, tenant), RolloutStore(engine, clock, ids, tenant))
        return Rollouts(*stores, approvals, opened(tenant))

    return of


def _proposals(context: ControlContext, clock: Clock) -> Callable[[Tenant], Proposing]:
    instance, stored = _stored(context)

    def of(tenant: Tenant) -> Proposing:
        return Proposing(instance, stored, Twin(instance, stored, clock), tenant.org)

    return of


def _evaluations(context: ControlContext) -> Callable[[Tenant], Rooms]:
    instance, stored = _stored(context)
    return lambda tenant: stored.evaluations(instance, tenant.org)


def _guard_samples(context: ControlContext) -> Callable[[Tenant], GuardSamples]:
    instance, stored = _stored(context)
    return lambda tenant: stored.guard_samples(instance, tenant.org)


def _guard_preview(context: ControlContext) -> Callable[[], GuardPreviewing]:
    def opened() -> GuardPreviewing:
        from legato.app.desks.guard_preview import GuardPreview  # noqa: PLC0415 - brings detectors

        return GuardPreview(context.loaded.config)

    return cache(opened)


def _restoring(context: ControlContext) -> Callable[[Tenant], Restoring]:
    instance, stored = _stored(context)
    return lambda tenant: stored.restoring(instance, tenant.org)


def _review_terms(context: ControlContext) -> ReviewTerms:
    said = context.loaded.config.reviews
    return ReviewTerms(said.lease_s, said.double_share)


def _thresholds(context: ControlContext) -> Callable[[Tenant], Thresholds]:
    instance, stored = _stored(context)
    return lambda tenant: Thresholds(instance, stored, tenant.org)


def _cache(context: ControlContext) -> Callable[[Tenant], "CacheDesk"]:
    instance, stored = _stored(context)
    return lambda tenant: stored.cache_desk(instance, tenant)


def _compliance(context: ControlContext) -> Callable[[], "ComplianceDesk"]:
    instance, stored = _stored(context)

    def open_desk() -> "ComplianceDesk":
        from legato.app.compliance.desk import ComplianceDesk  # noqa: PLC0415 - when it is asked for

        return ComplianceDesk(instance, stored.audit(instance), SystemClock())

    return cache(open_desk)


def _world_before(context: ControlContext) -> Callable[[Tenant, str], dict[str, Any] | None]:
    clock = SystemClock()
    engine, ask = context.engine, PriceBook(context.data.cache, clock).ask

    def told(tenant: Tenant, currency: str) -> dict[str, Any] | None:
        from legato.app.baseline import booked_labour, reporting  # noqa: PLC0415 - when asked for

        store = UsageImports(engine, clock, IdSource(clock), tenant)
        labour = booked_labour.booked_labour(context.database_url, clock, tenant)
        asked = reporting.Asked(org=tenant.org, currency=currency, labour=labour)
        rates = open_stores(engine, clock, tenant).rates.between
        usage = store.usage(tenant.org)
        found = reporting.build(store.every(tenant.org), usage, asked, ask, rates=rates)
        return None if found is None else reporting.as_json(found)

    return told


def _erasing(context: ControlContext) -> Callable[[Tenant], Erasing]:
    instance, stored = _stored(context)
    return lambda tenant: stored.erasing(instance, tenant.org)


def _registry(
    context: ControlContext,
    live_in: Callable[[str], RegistryModels],
    prices: ModelPrices,
    sealing: Envelopes,
    *,
    predictor_kept: Callable[[str, str], bool],
) -> tuple[RegistryAccess, ServedReader]:
    config, clock = context.loaded.config, SystemClock()
    models = ModelGuard(
        config,
        live_in,
        sealing,
        ask=PriceBook(context.data.cache, clock).ask,
        prices=prices,
    )
    environment = config.registry.environment
    reader = ServedReader(
        ServedModels(config, context.prices),
        live_in(environment),
        sealing,
        with_unknown_credentials(config),
    )
    access = RegistryAccess(
        (context.loaded, rules_in_force(config.access, context.database_url)),
        sealing,
        models,
        environment=environment,
        predictor_kept=predictor_kept,
        margins=margin_gates(config.finance, context.database_url, clock),
    )
    return access, reader


def _read_again(reader: ServedReader) -> ServedModels:
    """Return what is served; what was read last while the database is away, as workers do."""
    with contextlib.suppress(StorageUnavailable):
        reader.load()
    return reader.now


def _charges(served: Callable[[], ServedModels]) -> dict[str, Any]:
    """Return what finds prices by the names of routes and deployments."""
    return {
        "price_of": lambda name: first_charge(served(), name),
        "prices_of": lambda name: charged_for(served().config, served().prices, name),
    }

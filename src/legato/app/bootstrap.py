"""The composition root of a gateway worker: the only place that names concrete classes."""

import asyncio
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.admitted import AdmittedPage, RenderError
from legato.api.anthropic.errors import error_body
from legato.api.control.proxy import ControlProxy
from legato.api.data_plane import DataPlane
from legato.api.endpoints import Resource, SignedPage
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.responses.pages import forget_page, input_items_page, response_page
from legato.api.pages import front_door, healthz, metrics_page, models_page, readyz
from legato.app.batches.batch_process import wake
from legato.app.batches.kept_files import deferred_calls, kept_pages
from legato.app.caches.caches import Neighbours, exact_cache, semantic_cache, semantic_readings
from legato.app.callers import open_keyring
from legato.app.captures import CaptureQueue, capture_queue, capture_stage
from legato.app.checks.egress import egress_of
from legato.app.context import WorkerContext
from legato.app.credentials import CredentialFollower, credential_names, read_credentials
from legato.app.feedback import feedback_resource
from legato.app.governing import Governing, open_governing
from legato.app.guards.guards import Guards, open_guards
from legato.app.listeners import shows_metrics_to_all
from legato.app.models.built_routes import built_routes
from legato.app.models.catalogue import ProviderInUse, build_provider, open_providers
from legato.app.models.deployment_loads import DeploymentLoads
from legato.app.models.floors import cascade_judge, copies_of, floor_readings
from legato.app.models.model_follower import ModelFollower
from legato.app.models.provider_settings import provider_settings
from legato.app.models.provider_swap import ProviderSwap
from legato.app.models.router_follower import RouterFollower, worker_routers
from legato.app.models.served_models import ServedModels
from legato.app.models.served_reading import ServedReader
from legato.app.models.upstream import transport_to
from legato.app.models.vaults import open_data_keys
from legato.app.summaries import open_summaries
from legato.app.surfaces import surfaces_of
from legato.app.workflows.serving import workflow_pages
from legato.audit.refusals import Refusals
from legato.cache.exact import ExactCache
from legato.core.clock import Clock, SystemClock
from legato.core.config import Provider as ProviderConfig
from legato.core.config_parts import SecretRef
from legato.core.egress import PERMISSIVE
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.core.tenant import EVERY_TENANT
from legato.gateway.books import Books
from legato.gateway.comparisons import Comparisons
from legato.gateway.conversations import Conversations
from legato.gateway.directory import Directory
from legato.gateway.holdouts import HoldoutArms
from legato.gateway.pipeline import Pipeline
from legato.gateway.prompt_cache import PromptCache
from legato.gateway.relay import Relay
from legato.gateway.shadows import Shadows
from legato.gateway.stages.cached import CacheStages
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.defer import Defer
from legato.gateway.stages.exchange import Exchange
from legato.gateway.stages.media import MediaExchange
from legato.gateway.stages.record import RecordStage
from legato.gateway.summaries import Summaries
from legato.governance.keyring import Keyring
from legato.governance.store_gate import StoreGate
from legato.journal.options import WriterOptions
from legato.journal.writer import JournalWriter
from legato.providers.batching import batcher_of
from legato.providers.transport import Timeouts, Transport
from legato.registry.floor_shares import FloorShares
from legato.registry.held_callers import HeldCallers
from legato.registry.prompts import PromptRegistry
from legato.storage.data_keys import DataKeyTable
from legato.storage.kept.kept_responses import KeptResponses
from legato.storage.kept.response_spool import ResponseSpool
from legato.storage.kept.responses import ResponseStore
from legato.storage.registry.floors import FloorStore
from legato.storage.registry.holdouts import HoldoutSnapshots
from legato.storage.registry.models import RegistryModels
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.storage.tenants.credentials import CredentialStore
from legato.storage.tenants.keys import KeyStore
from legato.telemetry.metrics import Meters, exposition, load_counts
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault

if TYPE_CHECKING:
    from legato.gateway.stages.semantic import SemanticStages

_MIB = 1024 * 1024


class Gateway(msgspec.Struct, eq=False):
    """A worker's parts that something must be done with while it runs and when it ends."""

    app: DataPlane
    shadows: Shadows
    keyring: Keyring
    governing: Governing
    cache: ExactCache | None
    semantic: "SemanticStages | None"
    journal: JournalWriter
    meters: Meters
    transports: list[Transport]
    threads: ThreadPoolExecutor
    in_thread: InThread
    prompts: PromptRegistry
    held: HeldCallers
    floors: FloorShares
    routers: RouterFollower
    comparisons: Comparisons
    models: ModelFollower
    credentials: CredentialFollower | None
    """None where no provider's credential is in the vault."""
    swap: ProviderSwap
    captures: CaptureQueue | None
    """None where nothing is captured."""
    guards: Guards
    summaries: Summaries | None
    refusals: Refusals


class _Base(msgspec.Struct, eq=False):
    """What the stages are built on."""

    context: WorkerContext
    clock: Clock
    ids: IdSource
    vault: Vault
    keyring: Keyring
    governing: Governing
    journal: JournalWriter
    meters: Meters
    conversations: Conversations
    prompts: PromptRegistry
    held: HeldCallers
    floors: FloorShares
    routers: RouterFollower
    loads: DeploymentLoads
    threads: ThreadPoolExecutor
    in_thread: InThread
    captures: CaptureQueue | None
    refusals: Refusals


def build_gateway(context: WorkerContext) -> Gateway:
    """Assemble a worker. Call it in the worker's process, with its event loop running.

    Raises:
        LegatoError: the journal, a provider or the vault can't be opened.
    """
    base = _base(context)
    config = context.loaded.config
    settings = provider_settings(context, context.credentials)
    egress = egress_of(config)

    def open_one(provider: ProviderConfig, base_url: str, timeouts: Timeouts) -> Transport:
        ours = provider.name in context.managed
        return transport_to(provider, base_url, timeouts, PERMISSIVE if ours else egress)

    providers = open_providers(config, settings, open_one)
    served = ServedModels(config, context.prices)
    deployments, routes = built_routes(base, served, providers)
    directory = Directory(routes, deployments, complete=False)
    cache = exact_cache(context, base.vault.sealer, base.clock, base.in_thread)
    guards = open_guards(context, directory, base.meters, ids=base.ids)
    pipeline, relay, shadows, comparisons = _pipelines(base, directory, cache, guards)
    guards.own_calls.wired = (pipeline.call_stage, pipeline.record)
    swap = ProviderSwap(settings, providers, directory.every_deployment, build_provider)
    return Gateway(
        app=_data_plane(base, (pipeline, relay), directory),
        shadows=shadows,
        keyring=base.keyring,
        governing=base.governing,
        cache=cache,
        semantic=pipeline.semantic,
        summaries=pipeline.summaries,
        journal=base.journal,
        meters=base.meters,
        transports=[opened.transport for opened in providers.values()],
        threads=base.threads,
        in_thread=base.in_thread,
        prompts=base.prompts,
        held=base.held,
        floors=base.floors,
        routers=base.routers,
        comparisons=comparisons,
        models=_models(base, served, providers, directory),
        credentials=_credentials(base, swap),
        swap=swap,
        captures=base.captures,
        guards=guards,
        refusals=base.refusals,
    )


def _models(
    base: _Base,
    file: ServedModels,
    providers: Mapping[str, ProviderInUse],
    directory: Directory,
) -> ModelFollower:
    context = base.context
    engine = context.engine
    data_keys = open_data_keys(context.loaded, context.data, DataKeyTable(engine))

    def changed(served: ServedModels) -> None:
        deployments, routes = built_routes(base, served, providers)
        directory.swap(routes, deployments)

    reader = ServedReader(
        file,
        RegistryModels(engine, context.loaded.config.registry.environment),
        Envelopes(data_keys),
        lambda name: batcher_of(providers[name].provider) is not None,
    )
    return ModelFollower(reader, changed, base.in_thread)


def _credentials(base: _Base, swap: ProviderSwap) -> CredentialFollower | None:
    context, config = base.context, base.context.loaded.config
    if not credential_names(config):
        return None
    engine = context.engine
    data_keys = open_data_keys(context.loaded, context.data, DataKeyTable(engine))
    store, envelopes = CredentialStore(engine, base.clock), Envelopes(data_keys)

    def changed(found: Mapping[str, str]) -> None:
        swap({SecretRef(vault=name): secret for name, secret in found.items()})

    return CredentialFollower(
        store.version, lambda: read_credentials(config, store, envelopes), changed, base.in_thread
    )


def _base(context: WorkerContext) -> _Base:
    config, data, clock = context.loaded.config, context.data, SystemClock()
    threads = ThreadPoolExecutor(2, thread_name_prefix="legato")
    loop = asyncio.get_running_loop()

    async def in_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    ids = IdSource(clock)
    vault = Vault(context.root)
    engine = context.engine
    journal = JournalWriter(
        data.journal,
        context.writer_id,
        WriterOptions(
            segment_bytes=config.journal.segment_mib * _MIB,
            durability=config.journal.durability,
            journal_bytes_max=config.journal.total_mib_max * _MIB,
        ),
    )
    meters = Meters(data.run / f"metrics-{context.worker}.bin")
    return _Base(
        context=context,
        clock=clock,
        ids=ids,
        vault=vault,
        keyring=open_keyring(
            context,
            KeyStore(engine, clock, ids, EVERY_TENANT),
            vault,
            clock=clock,
            in_thread=in_thread,
        ),
        governing=open_governing(context, in_thread),
        journal=journal,
        meters=meters,
        captures=capture_queue(context, meters),
        conversations=_conversations(context, in_thread),
        prompts=PromptRegistry(
            RegistrySnapshots(engine, config.registry.environment),
            Envelopes(open_data_keys(context.loaded, data, DataKeyTable(engine))),
            in_thread,
        ),
        held=HeldCallers(HoldoutSnapshots(engine), in_thread),
        floors=FloorShares(FloorStore(engine, clock, ids), in_thread),
        routers=worker_routers(context),
        loads=DeploymentLoads(context, meters),
        threads=threads,
        in_thread=in_thread,
        refusals=Refusals(clock.now_ns),
    )


def _conversations(context: WorkerContext, in_thread: InThread) -> Conversations:
    engine = context.engine
    # threads of its own: those who wait for the database must not hold up the others
    threads = ThreadPoolExecutor(2, thread_name_prefix="responses")
    loop = asyncio.get_running_loop()

    async def in_store_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    durable = context.loaded.config.journal.durability == "power"
    spool = ResponseSpool(context.data.responses, durable=durable)
    clock = SystemClock()
    return Conversations(
        KeptResponses(ResponseStore(engine), spool),
        Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine))),
        clock,
        in_thread=in_thread,
        ask_store=StoreGate(
            in_store_thread, clock, "The database is away: kept responses can't be read now."
        ),
    )


def _pipelines(
    base: _Base, directory: Directory, cache: ExactCache | None, guards: Guards
) -> tuple[Pipeline, Relay, Shadows, Comparisons]:
    context, config = base.context, base.context.loaded.config
    books = Books(
        base.journal,
        base.governing.budgets,
        base.clock,
        config_version=context.loaded.content_hash,
        durable=config.journal.durability == "power",
    )
    exchange = Exchange(
        books, config.cache.entry_bytes_max, base.conversations, PromptCache(base.clock)
    )
    record = RecordStage(base.journal.append, base.meters, context.loaded.content_hash)
    shadows, comparisons = copies_of(base, directory, books, record, input_guard=guards.input)
    call_stage = CallStage(exchange, base.loads.breakers, random.random)
    exchange.judge = cascade_judge(base, directory, call_stage, record)
    stages = None if cache is None else CacheStages(cache, books, directory)

    def beside(exact: CacheStages) -> Neighbours:
        parts = (exact, directory, call_stage, record, base.meters, ChatCompletions(base.clock))
        return Neighbours(*parts, base.clock, base.ids.new)

    pipeline = Pipeline(
        keyring=base.keyring,
        limits=base.governing.limits,
        directory=directory,
        cache=stages,
        semantic=None if stages is None else semantic_cache(context, beside(stages)),
        call_stage=call_stage,
        record=record,
        random=random.random,
        pseudonym=base.vault.pseudonym,
        conversations=base.conversations,
        prompts=base.prompts,
        capture=capture_stage(context, base.captures),
        shadows=shadows,
        comparisons=comparisons,
        holdouts=HoldoutArms(base.held),
        summaries=open_summaries(context, (directory, call_stage, record), base.in_thread),
        defer=Defer(lambda: deferred_calls(context)),
        guard_input=guards.input,
        outputs=guards.outputs,
        lookups=guards.lookups,
    )
    return pipeline, _relay(base, pipeline, books), shadows, comparisons


def _relay(base: _Base, pipeline: Pipeline, books: Books) -> Relay:
    return Relay(
        keyring=pipeline.keyring,
        limits=pipeline.limits,
        directory=pipeline.directory,
        cache=None,
        call_stage=CallStage(MediaExchange(books, 0), base.loads.breakers, random.random),
        record=pipeline.record,
        random=pipeline.random,
        pseudonym=pipeline.pseudonym,
        conversations=pipeline.conversations,
        prompts=pipeline.prompts,
        guard_input=pipeline.guard_input,
        lookups=pipeline.lookups,
    )


def _data_plane(base: _Base, pipelines: tuple[Pipeline, Relay], directory: Directory) -> DataPlane:
    server, run = base.context.loaded.config.server, base.context.data.run

    def render_metrics() -> bytes:
        base.meters.save()
        readings = base.loads.readings(directory.every_deployment())
        readings += floor_readings(directory.every_route(), base.floors)
        return exposition(load_counts(run), [*readings, *semantic_readings(base.context)])

    plane = DataPlane(
        surfaces=surfaces_of(
            pipelines, base.clock, base.ids, keeps=base.context.loaded.config.responses.store
        ),
        open_pages={
            "/": front_door,
            "/healthz": healthz,
            "/readyz": readyz(lambda: _problems(base.keyring)),
            "/metrics": metrics_page(
                base.keyring, render_metrics, open_to_all=shows_metrics_to_all(server)
            ),
        },
        resources=_resources(base, directory, pipelines[0].record),
        identify=base.keyring.identify,
        ids=base.ids,
        clock=base.clock,
    )
    if base.context.control_socket is not None:
        plane.control = ControlProxy(base.context.control_socket)
    return plane


def _resources(
    base: _Base, directory: Directory, record: RecordStage
) -> dict[tuple[str, str], Resource | AdmittedPage | SignedPage]:
    files, batches, message_batches = kept_pages(base.context)

    def admitted(
        name: str, resource: Resource, render_error: RenderError | None = None
    ) -> AdmittedPage:
        return AdmittedPage(
            name,
            resource,
            identify=base.keyring.identify,
            limits=base.governing.limits,
            record=record,
            render_error=render_error,
        )

    def of_messages(what: str) -> AdmittedPage:
        return admitted(f"message_batches_{what}", message_batches[what], error_body)

    return {
        ("GET", "/v1/models"): models_page(
            directory, base.prompts.names, base.clock.now_ns() // 1_000_000_000
        ),
        ("GET", "/v1/responses/{id}"): response_page(base.conversations),
        ("DELETE", "/v1/responses/{id}"): forget_page(base.conversations),
        ("GET", "/v1/responses/{id}/input_items"): input_items_page(base.conversations),
        ("POST", "/v1/files"): admitted("files_create", files["create"]),
        ("GET", "/v1/files"): admitted("files_list", files["list"]),
        ("GET", "/v1/files/{id}"): admitted("files_show", files["show"]),
        ("DELETE", "/v1/files/{id}"): admitted("files_delete", files["delete"]),
        ("GET", "/v1/files/{id}/content"): admitted("files_content", files["content"]),
        ("POST", "/v1/batches"): admitted("batches_create", batches["create"]),
        ("GET", "/v1/batches"): admitted("batches_list", batches["list"]),
        ("GET", "/v1/batches/{id}"): admitted("batches_show", batches["show"]),
        ("POST", "/v1/batches/{id}/cancel"): admitted("batches_cancel", batches["cancel"]),
        ("POST", "/v1/messages/batches"): of_messages("create"),
        ("GET", "/v1/messages/batches"): of_messages("list"),
        ("GET", "/v1/messages/batches/{id}"): of_messages("show"),
        ("POST", "/v1/messages/batches/{id}/cancel"): of_messages("cancel"),
        ("GET", "/v1/messages/batches/{id}/results"): of_messages("results"),
        ("DELETE", "/v1/messages/batches/{id}"): of_messages("delete"),
        **_of_workflows(base, admitted),
        ("POST", "/v1/feedback"): feedback_resource(base.context, base.vault.pseudonym),
    }


def _of_workflows(
    base: _Base, admitted: Callable[[str, Resource], AdmittedPage]
) -> dict[tuple[str, str], Resource | AdmittedPage | SignedPage]:
    pages = workflow_pages(
        base.context, lambda: wake(base.context.wake_fd), base.refusals, base.meters.trigger
    )
    return {
        ("POST", "/v1/workflows/{id}/runs"): admitted("workflow_runs_create", pages.create),
        ("GET", "/v1/workflows/runs/{id}"): admitted("workflow_runs_show", pages.show),
        ("POST", "/v1/events"): admitted("workflow_events", pages.events),
        ("POST", "/v1/hooks/{id}"): pages.hooks,
    }


def _problems(keyring: Keyring) -> list[str]:
    return [] if keyring.loaded else ["keys are not loaded: the database is away"]

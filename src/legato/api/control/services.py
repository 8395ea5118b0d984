"""What the control API works with; made once by the app."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from legato.accounting.rooms import AccountingRooms
from legato.api.control.audit_services import AuditServices
from legato.api.control.budget_services import BudgetServices
from legato.api.control.compliance_services import ComplianceDesk
from legato.api.control.cursors import Cursors
from legato.api.control.gateway_view import GatewayView
from legato.api.control.guard_services import GuardPreviewing
from legato.api.control.insight_services import InsightServices
from legato.api.control.lanes import Lanes
from legato.api.control.live.feed import Feed
from legato.api.control.notification_services import NotificationServices
from legato.api.control.replay_services import OpenDeciding
from legato.api.control.report_services import ReportDesk
from legato.api.control.schedule_services import ScheduleServices
from legato.api.control.service_level_services import ServiceLevelServices
from legato.api.control.what_if_services import WhatIfs
from legato.cache.semantic.entry import Entry
from legato.connectors.catalogue import Offered
from legato.connectors.tool import ToolContext, ToolSpec
from legato.core.authority import Decision
from legato.core.decisions import RouteFacts
from legato.core.erasure import Erasure, Subject
from legato.core.permission import Permission
from legato.core.price import Price
from legato.core.principal import Principal
from legato.core.roles import Grant
from legato.core.semantic_records import BoundSeen, Counts, Selection
from legato.core.tenant import Area, Reach, Tenant
from legato.evaluation.runs import Rooms
from legato.finance.books import FinanceBooks
from legato.finance.planning import Planning
from legato.flow.definition import Definition
from legato.flow.rulings import Person
from legato.guardrails.policy.precision import Tuning
from legato.identity.attempts import Attempts
from legato.identity.presence import Presence
from legato.identity.rooms import Rooms as IdentityRooms
from legato.identity.signing_in import SignedIn, SigningIn, Visitor
from legato.insights.captures import Captures
from legato.insights.guard_samples import GuardSamples
from legato.insights.kept_maps import Restoring
from legato.insights.reviews import Reviews
from legato.registry.documents import Document
from legato.registry.floor_status import FloorStatus
from legato.registry.holdouts import Holdouts
from legato.registry.registry import Registry
from legato.registry.rollouts import Rollouts
from legato.storage.agents.calibrations import Calibrations
from legato.storage.anomalies.found import Anomalies
from legato.storage.erasures import ErasureStore
from legato.storage.evaluation.feedback_reading import FeedbackReader
from legato.storage.evaluation.judge_records import JudgeRecords
from legato.storage.evaluation.live_scores import LiveScoreReader, LiveScores
from legato.storage.imports.usage_imports import UsageImports
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.sums import SpendSums
from legato.storage.privacy.retention_terms import RetentionTerm
from legato.storage.privacy.subject_exports import ExportRecord
from legato.storage.privacy.tombstones import TombstoneStore
from legato.storage.registry.proposals import Proposal, ProposalStore
from legato.storage.runs.idempotent_calls import IdempotentCalls
from legato.storage.tenants.access_rules import AccessRuleStore
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.places import PlaceStore
from legato.storage.tenants.residency import ResidencyStore
from legato.storage.tenants.roles import CustomRoles, RoleBindings
from legato.storage.workflows.pages import WorkflowPages
from legato.workflows.people.links import LinkDesk
from legato.workflows.people.tasks import Tasks
from legato.workflows.runs.rooms import Resolved
from legato.workflows.runs.workflows import Workflows
from legato.workflows.triggers.desk import TriggerDesk
from legato.workflows.triggers.events import Events


class Authenticator(Protocol):
    """Tells who holds a secret."""

    async def identify(self, secret: bytes | None, address: str) -> Principal:
        """Raise Unauthenticated or StorageUnavailable where that can't be told."""
        ...


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class DecidedProposal(Protocol):
    """What came of a decision."""

    @property
    def proposal(self) -> Proposal:
        """The proposal as it is now."""
        ...

    @property
    def applied(self) -> list[str]:
        """What moved in the registry, in words."""
        ...

    @property
    def to_change(self) -> Sequence[msgspec.Struct]:
        """What the configuration file has yet to say."""
        ...


class ProposalDesk(Protocol):
    """One organisation's proposals; blocking."""

    @property
    def store(self) -> ProposalStore:
        """Where they are kept."""
        ...

    def decide(self, command: str, proposal_id: str, actor: str, reason: str) -> DecidedProposal:
        """Accept, reject or revert one. Raises NotFound, Conflict or InvalidRequest."""
        ...


class ProposedThreshold(Protocol):
    """What judged finds say of a rule's threshold."""

    @property
    def tuning(self) -> Tuning:
        """The figures."""
        ...

    @property
    def proposal(self) -> Proposal | None:
        """What was proposed; None where they say nothing, or nothing new."""
        ...


class ThresholdDesk(Protocol):
    """One organisation's thresholds; blocking."""

    def propose(self, policy: str, rule: str, target: float, actor: str) -> ProposedThreshold:
        """Propose the lowest one that meets a precision. Raises NotFound, InvalidRequest."""
        ...


class CacheDesk(Protocol):
    """One organisation's semantic cache; blocking."""

    def entries(self, selection: Selection, after: str = "") -> Iterator[tuple[Entry, Counts]]:
        """Yield the entries that a selection names, in the order of their ids, those after one."""
        ...

    def purge(self, selection: Selection) -> int:
        """Have all workers forget what a selection names; return how many entries."""
        ...

    def wrong(self, request_id: str) -> str:
        """Call the hit a request got wrong; return the entry. Raises NotFound, Conflict."""
        ...

    def bounds(self) -> list[BoundSeen]:
        """Return what bounds have seen, by team and route, over all workers."""
        ...


class ErasingDesk(Protocol):
    """One organisation's erasures; blocking."""

    @property
    def store(self) -> ErasureStore:
        """Where they are recorded."""
        ...

    def erase(self, subject: Subject, author: str, *, dry_run: bool = False) -> Erasure:
        """Erase all content of a subject, or say what that would be."""
        ...


class SubjectExport(Protocol):
    """One export about a person that was begun."""

    id: str

    def parts(self) -> Iterator[bytes]:
        """Yield the archive, once."""
        ...


class SubjectExportDesk(Protocol):
    """One organisation's exports about people; blocking."""

    def begin(self, subject: Subject, author: str, reason: str) -> SubjectExport:
        """Record who asks and why, and return what is then read. Raises InvalidRequest."""
        ...

    def page(self, count: int, before_id: str | None) -> list[tuple[ExportRecord, str]]:
        """Return those that were made, newest first, with their reasons."""
        ...


class WorkflowDefinitions(Protocol):
    """Finds what runs are to run; blocking."""

    def resolve(self, org: str, ref: str, unit: str) -> Resolved:
        """Return what NAME, or NAME@ and a label, number or digest means to somebody.

        Raises NotFound, InvalidRequest.
        """
        ...

    def read(self, org: str, content: Any) -> Definition:
        """Return a definition written as plain data. Raises InvalidRequest."""
        ...


class RetentionTerms(Protocol):
    """What is set of retention beside the configuration; blocking."""

    def all(self) -> list[RetentionTerm]:
        """Return it."""
        ...

    def set(self, org: str, kind: str, days: int, author: str) -> RetentionTerm:
        """Set a term, "" for all. Raises InvalidRequest, NotFound or Forbidden."""
        ...

    def remove(self, org: str, kind: str) -> None:
        """Take one away. Raises InvalidRequest, NotFound or Forbidden."""
        ...


class TableRetention(Protocol):
    """How long a table is kept; see `GET /retention`."""

    @property
    def table(self) -> str:
        """Its name."""
        ...

    @property
    def rule(self) -> str:
        """Its rule in `retention.days`, "" for none."""
        ...

    @property
    def days(self) -> int | None:
        """After how many days its rows go."""
        ...

    @property
    def kept(self) -> str:
        """The same in words."""
        ...

    @property
    def oldest_ns(self) -> int | None:
        """Since when there are rows."""
        ...

    @property
    def rows_due(self) -> int:
        """How many are to go."""
        ...


class ToolDesk(Protocol):
    """The tools of the configuration."""

    async def offered(self, org: str) -> list[Offered]:
        """Return all that an organisation may name, source by source."""
        ...

    async def find(self, name: str, org: str) -> ToolSpec:
        """Return a tool. Raises NotFound, ToolFailed."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call a tool. Raises NotFound, InvalidRequest, ToolFailed."""
        ...

    def source_of(self, name: str) -> str:
        """Return which entry of the configuration a tool is of."""
        ...

    def refused_to(self, principal: Principal) -> Callable[[str], str]:
        """Return what says which access rule keeps somebody from a tool; blocking."""
        ...


class MadeSample(Protocol):
    """Sample data that is there."""

    @property
    def at_ns(self) -> int:
        """When it was made."""
        ...

    @property
    def requests(self) -> int:
        """How many requests were invented."""
        ...


class SampleDesk(Protocol):
    """Sample data, which lies apart from all that is real; blocking."""

    def made(self) -> MadeSample | None:
        """Return what there is, None for nothing."""
        ...

    def add(self) -> MadeSample:
        """Make it. Raises Conflict, StorageUnavailable."""
        ...

    def remove(self) -> MadeSample:
        """Delete all of it; return what there was. Raises as `add`, and NotFound."""
        ...


class ReviewTerms(msgspec.Struct, frozen=True):
    """How items are handed out, and which share of them two people label."""

    lease_s: int
    double_share: float


class OidcSignIns(Protocol):
    """Signing in by OpenID providers; blocking, and loaded when somebody first does."""

    @property
    def offered(self) -> list[tuple[str, str]]:
        """Name and title of each."""
        ...

    def begin(self, name: str, place: str) -> tuple[str, str]:
        """Return where to send the browser, and the secret that it keeps meanwhile."""
        ...

    def finish(
        self, name: str, query: Mapping[str, str], browser: str, visitor: Visitor
    ) -> tuple[SignedIn, str]:
        """Return the session that begins, and where to come out. Raises SignInRefused."""
        ...

    def sign_out_url(self, provider: str, sealed: bytes) -> str | None:
        """Return where to sign out of the provider as well, None for nowhere."""
        ...


class Identity(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """How people and machines sign in, and who is there; blocking."""

    rooms: IdentityRooms
    signing_in: SigningIn
    presence: Presence
    oidc: OidcSignIns
    attempts: Attempts
    lanes: Lanes
    cookie_name: str
    secure_cookies: bool
    counted: Callable[[str, str], None]
    """Counts an attempt to sign in, by method and what became of it."""


class RoleStores(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Who has which role where, and roles of organisations' own; blocking."""

    bindings: Callable[[Reach], RoleBindings]
    custom: Callable[[Tenant], CustomRoles]
    grants_of: Callable[[str, str], tuple[Grant, ...]]
    """All that was given to a subject, by its kind and id."""
    principal: Callable[[Reach, str, str], Principal]
    """Who a subject within reach is. Raises NotFound, InvalidRequest."""
    require_vouched: Callable[[str, frozenset[Permission], Area | None], None]
    """Refuses to give an account permissions over an area, by its id, where it may be in the wrong
    hands. Raises Conflict."""
    vouched_by: Callable[[Reach, str, str], str | None]
    """Who answered for a subject's password, by its kind and id; None where it has none."""
    rules_of: Callable[[Principal], frozenset[str]]
    """The names of the rules of access that mean somebody."""
    rules: Callable[[Reach], AccessRuleStore]
    may_call: Callable[[Principal, str], Decision]
    """Whether somebody may call a model, by its name."""


class Services(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Stores are made for whom they work; blocking, so handlers run in threads."""

    authenticator: Authenticator
    identity: Identity
    sample: SampleDesk
    seen_as: Callable[[Principal], Principal] = lambda principal: principal
    """As whom those who are authenticated are served: the sample knows them as readers only."""
    places: Callable[[Reach], PlaceStore]
    keys: Callable[[Reach], KeyStore]
    roles: RoleStores
    budgets: BudgetServices
    insights: InsightServices
    usage_imports: Callable[[Reach], UsageImports]
    world_before: Callable[[Tenant, str], dict[str, Any] | None]
    """What a month cost before, in a currency; None where no usage of it is imported."""
    accounting: Callable[[Tenant], AccountingRooms]
    notifications: NotificationServices
    anomalies: Callable[[Reach], Anomalies]
    service_levels: ServiceLevelServices
    schedules: ScheduleServices
    entries: Callable[[Reach], EntryReader]
    route_held: Callable[[str], RouteFacts | None]
    """A route as it was when a request was decided, by the digest its decision names."""
    deciding: OpenDeciding
    sums: Callable[[Reach], SpendSums]
    feedback: Callable[[Reach], FeedbackReader]
    finance: FinanceBooks
    planning: Planning
    idempotent_calls: Callable[[Tenant], IdempotentCalls]
    sealing: Sealing
    digest: Callable[[bytes], bytes]
    new_secret: Callable[[], str]
    now_ns: Callable[[], int]
    cursors: Cursors
    gateway: Callable[[], GatewayView]
    registry: Callable[[Tenant], Registry]
    rollouts: Callable[[Tenant], Rollouts]
    proposals: Callable[[Tenant], ProposalDesk]
    reviews: Callable[[Tenant], Reviews]
    tools: ToolDesk
    calibrations: Callable[[Tenant], Calibrations]
    tasks: Callable[[Reach], Tasks]
    task_links: LinkDesk
    """Links by which people decide tasks from messages."""
    person_of: Callable[[Principal], Person]
    """How tasks may name somebody."""
    captures: Callable[[Reach], Captures]
    guard_preview: Callable[[], GuardPreviewing]
    guard_samples: Callable[[Tenant], GuardSamples]
    restoring: Callable[[Tenant], Restoring]
    thresholds: Callable[[Tenant], ThresholdDesk]
    asked: Callable[[str, dict[str, Any]], tuple[dict[str, Any], ...]]
    """Reads the messages of a body by its surface. Raises InvalidRequest."""
    judge_records: Callable[[Tenant], JudgeRecords]
    live_scores: Callable[[Tenant], LiveScores]
    live_score_reader: Callable[[Reach], LiveScoreReader]
    review_terms: ReviewTerms
    evaluations: Callable[[Tenant], Rooms]
    workflows: Callable[[Reach, str], Workflows]
    """An organisation's runs of workflows, as far as somebody reaches."""
    workflow_definitions: WorkflowDefinitions
    pages: Callable[[Reach], WorkflowPages]
    """Workflows that are published as pages."""
    triggers: Callable[[Tenant], TriggerDesk]
    """An organisation's triggers of workflows."""
    events: Events
    price_of: Callable[[str], Price | None]
    """What a route's first deployment charges, or a deployment."""
    prices_of: Callable[[str], Sequence[Price]]
    """What all deployments of a route charge that have a price, the first one first."""
    own_url: str
    """Where callers reach this server, without a path."""
    wake_runs: Callable[[], None]
    """Tells the batch process that there is something to run."""
    holdouts: Callable[[Tenant], Holdouts]
    floor: Callable[[str, str], FloorStatus]
    """How the floor of a route stands for an organisation. Raises NotFound, InvalidRequest."""
    cache: Callable[[Tenant], CacheDesk]
    erasing: Callable[[Tenant], ErasingDesk]
    subject_exporting: Callable[[Tenant], SubjectExportDesk]
    residency: Callable[[Reach], ResidencyStore]
    shut_out: Callable[[Sequence[str]], list[str]]
    """Which names no deployment serves within these regions."""
    saved_outside: Callable[[Tenant, Document], list[str]]
    """What tenants that are held to regions can't call of what a document brings."""
    retention: Callable[[Tenant], list[TableRetention]]
    retention_terms: Callable[[Reach], RetentionTerms]
    """How long every table is kept of an organisation, and what is due."""
    tombstones: Callable[[], tuple[TombstoneStore, list[str]]]
    """What was revoked and erased, and the names of its copies."""
    pseudonym: Callable[[str, str], str]
    """Returns a user as the ledger names them, by organisation and name."""
    audit: AuditServices
    compliance: Callable[[], ComplianceDesk]
    live: Feed
    reports: Callable[[], ReportDesk]
    what_ifs: WhatIfs
    environment: str
    """Whose labels are meant where a caller names none."""

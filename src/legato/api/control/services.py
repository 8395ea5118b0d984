"""What the control API works with; made once by the app."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from legato.api.control.audit_services import AuditServices
from legato.api.control.budget_services import BudgetServices
from legato.api.control.cursors import Cursors
from legato.api.control.gateway_view import GatewayView
from legato.cache.semantic.entry import Entry
from legato.core.authority import Decision
from legato.core.erasure import Erasure, Subject
from legato.core.price import Price
from legato.core.principal import Principal
from legato.core.roles import Grant
from legato.core.semantic_records import Counts, Selection
from legato.core.tenant import Reach, Tenant
from legato.evaluation.runs import Rooms
from legato.guardrails.policy.precision import Tuning
from legato.identity.presence import Presence
from legato.identity.rooms import Rooms as IdentityRooms
from legato.identity.signing_in import SignedIn, SigningIn, Visitor
from legato.insights.captures import Captures
from legato.insights.guard_samples import GuardSamples
from legato.insights.kept_maps import Restoring
from legato.insights.reviews import Reviews
from legato.registry.floor_status import FloorStatus
from legato.registry.holdouts import Holdouts
from legato.registry.registry import Registry
from legato.registry.rollouts import Rollouts
from legato.storage.erasures import ErasureStore
from legato.storage.evaluation.feedback_reading import FeedbackReader
from legato.storage.evaluation.judge_records import JudgeRecords
from legato.storage.evaluation.live_scores import LiveScoreReader, LiveScores
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.sums import SpendSums
from legato.storage.registry.proposals import Proposal, ProposalStore
from legato.storage.runs.idempotent_calls import IdempotentCalls
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.places import PlaceStore
from legato.storage.tenants.roles import CustomRoles, RoleBindings


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


class ErasingDesk(Protocol):
    """One organisation's erasures; blocking."""

    @property
    def store(self) -> ErasureStore:
        """Where they are recorded."""
        ...

    def erase(self, subject: Subject, author: str, *, dry_run: bool = False) -> Erasure:
        """Erase all content of a subject, or say what that would be."""
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
    cookie_name: str
    secure_cookies: bool


class RoleStores(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Who has which role where, and roles of organisations' own; blocking."""

    bindings: Callable[[Reach], RoleBindings]
    custom: Callable[[Tenant], CustomRoles]
    grants_of: Callable[[str, str], tuple[Grant, ...]]
    """All that was given to a subject, by its kind and id."""
    principal: Callable[[Reach, str, str], Principal]
    """Who a subject within reach is. Raises NotFound, InvalidRequest."""
    may_call: Callable[[Principal, str], Decision]
    """Whether somebody may call a model, by its name."""


class Services(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Stores are made for whom they work; blocking, so handlers run in threads."""

    authenticator: Authenticator
    identity: Identity
    places: Callable[[Reach], PlaceStore]
    keys: Callable[[Reach], KeyStore]
    roles: RoleStores
    budgets: BudgetServices
    entries: Callable[[Reach], EntryReader]
    sums: Callable[[Reach], SpendSums]
    feedback: Callable[[Reach], FeedbackReader]
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
    captures: Callable[[Reach], Captures]
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
    price_of: Callable[[str], Price | None]
    """What a route's first deployment charges, or a deployment."""
    wake_runs: Callable[[], None]
    """Tells the batch process that there is something to run."""
    holdouts: Callable[[Tenant], Holdouts]
    floor: Callable[[str, str], FloorStatus]
    """How the floor of a route stands for an organisation. Raises NotFound, InvalidRequest."""
    cache: Callable[[Tenant], CacheDesk]
    erasing: Callable[[Tenant], ErasingDesk]
    pseudonym: Callable[[str, str], str]
    """Returns a user as the ledger names them, by organisation and name."""
    audit: AuditServices
    environment: str
    """Whose labels are meant where a caller names none."""

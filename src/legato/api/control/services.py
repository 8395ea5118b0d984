"""What the control API works with; made once by the app."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from legato.api.control.cursors import Cursors
from legato.api.control.gateway_view import GatewayView
from legato.core.price import Price
from legato.core.principal import Principal
from legato.core.tenant import Reach, Tenant
from legato.evaluation.runs import Rooms
from legato.insights.reviews import Reviews
from legato.registry.holdouts import Holdouts
from legato.registry.registry import Registry
from legato.registry.rollouts import Rollouts
from legato.storage.entries import EntryReader
from legato.storage.feedback_reading import FeedbackReader
from legato.storage.idempotent_calls import IdempotentCalls
from legato.storage.judge_records import JudgeRecords
from legato.storage.keys import KeyStore
from legato.storage.live_scores import LiveScoreReader, LiveScores
from legato.storage.places import PlaceStore
from legato.storage.proposals import Proposal, ProposalStore
from legato.storage.sums import SpendSums


class Authenticator(Protocol):
    """Tells who holds a secret."""

    async def identify(self, secret: bytes | None) -> Principal:
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


class ReviewTerms(msgspec.Struct, frozen=True):
    """How items are handed out, and which share of them two people label."""

    lease_s: int
    double_share: float


class Services(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Stores are made for whom they work; blocking, so handlers run in threads."""

    authenticator: Authenticator
    places: Callable[[Reach], PlaceStore]
    keys: Callable[[Reach], KeyStore]
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
    environment: str
    """Whose labels are meant where a caller names none."""

"""Opens the answers that an organisation's people review."""

from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.insights.reviews import Reviews, Sealing
from legato.storage.evaluation.reviews import ReviewStore


def reviews_of(store: ReviewStore, sealing: Sealing, tenant: Tenant) -> Reviews:
    """Return them; nothing is read yet."""
    clock = SystemClock()
    return Reviews(tenant.org, store, sealing, clock, new_id=IdSource(clock).new)

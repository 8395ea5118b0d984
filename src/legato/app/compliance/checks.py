"""All live checks, in the order they are shown."""

import logging
from itertools import chain
from typing import Final

from legato.app.compliance.auditing import AUDITING_CHECKS
from legato.app.compliance.check import LiveCheck, table_of
from legato.app.compliance.guarding import GUARDING_CHECKS
from legato.app.compliance.keeping import KEEPING_CHECKS
from legato.app.compliance.people import PEOPLE_CHECKS
from legato.app.compliance.scene import Scene
from legato.app.compliance.spending import SPENDING_CHECKS
from legato.app.compliance.transport import TRANSPORT_CHECKS
from legato.core.compliance import Finding, Status
from legato.core.errors import LegatoError, StorageUnavailable

log = logging.getLogger(__name__)

CHECKS: Final[dict[str, LiveCheck]] = table_of(
    chain(
        TRANSPORT_CHECKS,
        AUDITING_CHECKS,
        KEEPING_CHECKS,
        PEOPLE_CHECKS,
        GUARDING_CHECKS,
        SPENDING_CHECKS,
    )
)


def looked(check: LiveCheck, scene: Scene) -> Finding:
    """Look once. What can't be looked at is a failure: it shows nothing.

    Raises:
        StorageUnavailable: the database is away: then nothing is recorded.
    """
    try:
        return check.look(scene)
    except StorageUnavailable:
        raise
    except LegatoError as error:
        return _unseen(error, error.message)
    except Exception as error:  # one that is broken must not keep the others from looking
        log.exception("a check of compliance can't look", extra={"check": check.id})
        return _unseen(error, type(error).__name__)


def _unseen(error: Exception, told: str) -> Finding:
    return Finding(Status.FAIL, f"can't be looked at: {told}", {"error": type(error).__name__})

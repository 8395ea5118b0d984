"""What can go wrong with the journal.

OperatorError (core)
├── NotAccountable      503
│   ├── JournalFull        no room can be promised: refuse new work, running work still settles
│   ├── JournalPoisoned    the disk refused a write or an fsync: what was just written is lost
│   └── JournalClosed      closed by its owner, or this is a forked child of its process
└── JournalInUse        (start-up) another process holds the lock, or the writer id was used before
"""

from legato.core.errors import NotAccountable, OperatorError


class JournalFull(NotAccountable):
    """No segment can be allocated, so the settle of a new intent has no promised place."""

    code = "journal_full"


class JournalPoisoned(NotAccountable):
    """A write or fsync failed; the frames it covered must be taken as not durable."""

    code = "journal_poisoned"


class JournalClosed(NotAccountable):
    """Append after close, or in a child forked after the journal was opened."""

    code = "journal_closed"
    retryable = False


class JournalInUse(OperatorError):
    """The writer's directory exists already: a writer id names one life of one process."""

    code = "journal_in_use"
    retryable = False

"""Which two answers to one request were set beside each other."""

from typing import NamedTuple


class Compared(NamedTuple):
    """The request of the caller, and the deployments whose answers were compared."""

    request_id: str
    choice: str
    baseline: str

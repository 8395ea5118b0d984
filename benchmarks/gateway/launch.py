"""What a target gets to start on, and what it says about how to start it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """An empty folder, and the upstream's URL up to /v1; `ca_file` is set where it is TLS."""

    folder: Path
    upstream: str
    ca_file: Path | None


@dataclass(frozen=True)
class Launch:
    """How to start a target and call it."""

    command: Sequence[str]
    url: str | Callable[[], str]
    """Base URL up to /v1; a callable gives "" until the target has told it."""
    model: str = "mock"
    headers: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    booked: Callable[[], int] | None = None
    """How many requests its books hold by now: work that goes on after the answer."""
    parts: Sequence[str] = ()
    """Names of the processes of its tree, in the order they start."""

"""Call Legato's prompts by name, and tell it what became of the answers."""

from legato_client.answers import Answer, Usage
from legato_client.asynchronous import AsyncLegato, AsyncStream
from legato_client.errors import LegatoRefused, LegatoUnreachable
from legato_client.synchronous import Legato, Stream

__all__ = [
    "Answer",
    "AsyncLegato",
    "AsyncStream",
    "Legato",
    "LegatoRefused",
    "LegatoUnreachable",
    "Stream",
    "Usage",
]

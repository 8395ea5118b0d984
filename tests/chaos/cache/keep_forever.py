"""Keeps entries in the semantic cache until it is killed; prints each id once it is written.

python keep_forever.py DATABASE_URL
"""

import asyncio
import sys
from typing import Any

import numpy as np

from legato.cache.exact import CachedAnswer
from legato.cache.semantic.entry import Entry
from legato.cache.semantic.index import SemanticIndex
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.semantic_records import Selection
from legato.core.usage import Usage
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.vault.data_keys import DataKeys
from legato.vault.envelope import Envelopes
from legato.vault.key_service import LocalKeys

DIMENSIONS = 64
PARTITION = b"p" * 16
_HOUR_NS = 3_600_000_000_000
clock = SystemClock()
ids = IdSource(clock)


def opened(url: str) -> SemanticIndex:
    engine = open_engine(url)
    keys = DataKeys(DataKeyTable(engine), lambda: LocalKeys([b"k" * 32]), clock, ids)
    return SemanticIndex(
        dimensions=DIMENSIONS,
        embedder="test-64@0",
        memory_bytes_max=100_000_000,
        store=SemanticEntryStore(engine, clock),
        sealer=Envelopes(keys),
        clock=clock,
        in_thread=asyncio.to_thread,
    )


def entry(**changes: Any) -> Entry:
    now_ns = clock.now_ns()
    facts: dict[str, Any] = {
        "id": ids.new(),
        "partition": PARTITION,
        "text": "a question",
        "answer": CachedAnswer(b"{}" * 200, False, Usage(), 1, "big", "big-1", 0),
        "cost": 1,
        "org": "acme",
        "team": "core",
        "route": "chat",
        "versions": "",
        "tags": ("kept",),
        "created_ns": now_ns,
        "expires_ns": now_ns + _HOUR_NS,
    }
    return Entry(**{**facts, **changes})


def main() -> None:
    index = opened(sys.argv[1])
    vector = np.eye(1, DIMENSIONS, dtype=np.float32)[0]
    while True:
        batch = [entry(tags=("gone",) if n == 0 else ("kept",)) for n in range(20)]
        for one in batch:
            index.add(one, vector)
        index.flush()
        index.forget(Selection(ids=(batch[0].id,)))
        index.flush()
        sys.stdout.write(" ".join([*(one.id for one in batch[1:]), batch[0].id]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

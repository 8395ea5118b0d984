"""What a look-up of the semantic cache costs: embedding, the nearest of so many, adding, memory.

python benchmarks/semantic_index.py [--embedder minilm --models legato-data/models]

Made-up questions by default, since lengths and sizes decide the cost; `--texts FILE` takes others,
one a line.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from legato.cache.semantic.vectors import Vectors
from legato.embedding.loading import load_embedder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from legato.embedding.base import Embedder

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 300
SHORT = "How can I invest in the share market in India?"
LONG = " ".join([SHORT] * 17)
SUBJECTS = ["password", "invoice", "delivery", "contract", "refund", "account", "card", "router"]
WISHES = ["change", "cancel", "find", "reset", "pay", "move", "read", "print", "sign", "block"]
PLACES = ["Berlin", "Paris", "Madrid", "Rome", "Vienna", "Lisbon", "Oslo", "Prague", "Athens"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedder", default="wordllama")
    parser.add_argument("--models", type=Path, default=Path("legato-data/models"))
    parser.add_argument("--texts", type=Path)
    options = parser.parse_args()
    embedder = load_embedder(options.embedder, options.models)
    print(f"{embedder.name}, µs: median, 99 % and processor")
    for label, text in (("short question", SHORT), ("long question", LONG)):
        told(f"embed a {label}", lambda text=text: embedder.embed([text]))
    texts = options.texts.read_text("utf-8").splitlines() if options.texts else made_up()
    known = embedder.embed(texts[:5_000])
    many = spread(known, max(SIZES))
    for size in SIZES:
        look_up(embedder, many[:size], known)
    return 0


def look_up(embedder: Embedder, rows: NDArray[np.float32], asked: NDArray[np.float32]) -> None:
    vectors = Vectors(rows.shape[1])
    before_ns, before_bytes = time.process_time_ns(), resident_bytes()
    for number, row in enumerate(rows):
        vectors.add(str(number), row)
    added_us = (time.process_time_ns() - before_ns) / len(rows) / 1_000
    added_bytes = (resident_bytes() - before_bytes) / len(rows)
    print(f"{len(rows):,} entries: {added_us:.1f} µs to add, {added_bytes:.0f} bytes each")
    turns = iter(range(10 * ROUNDS))
    told("  nearest 8", lambda: vectors.nearest(asked[next(turns) % len(asked)], 8))
    told("  embed, then nearest 8", lambda: vectors.nearest(embedder.embed([SHORT])[0], 8))
    told("  brute force", lambda: np.argpartition(rows @ asked[0], -8)[-8:], rounds=30)
    print(f"  of the nearest over 0.6, found: {recall(vectors, rows, asked):.4f}")


def recall(vectors: Vectors, rows: NDArray[np.float32], asked: NDArray[np.float32]) -> float:
    right = []
    for vector in asked[:ROUNDS]:
        similar = rows @ vector
        best = np.sort(similar)[::-1][:8]
        found = [value for _, value in vectors.nearest(vector, 8)]
        right += [
            abs(value - wanted) < 1e-3
            for value, wanted in zip(found, best.tolist(), strict=True)
            if wanted > 0.6
        ]
    return statistics.fmean(right) if right else float("nan")


def spread(known: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """As many vectors as wanted: those known, and mixtures of two of them."""
    random = np.random.default_rng(1)
    one, two = random.integers(0, len(known), (2, size - min(size, len(known))))
    share = random.uniform(0.3, 0.7, (len(one), 1)).astype(np.float32)
    mixed = share * known[one] + (1 - share) * known[two]
    rows = np.vstack([known, mixed / np.linalg.norm(mixed, axis=1, keepdims=True)])
    return np.ascontiguousarray(random.permutation(rows)[:size])


def made_up() -> list[str]:
    return [
        f"How do I {wish} my {subject} in {place} on day {day}?"
        for wish in WISHES
        for subject in SUBJECTS
        for place in PLACES
        for day in range(1, 31)
    ]


def told(label: str, work: Callable[[], object], rounds: int = ROUNDS) -> None:
    work()
    before_ns, walls = time.process_time_ns(), []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        work()
        walls.append(time.perf_counter_ns() - started)
    processor = (time.process_time_ns() - before_ns) / rounds
    figures: Sequence[float] = (statistics.median(walls), np.quantile(walls, 0.99), processor)
    print(f"{label:28}" + "".join(f"{figure / 1_000:>10.0f}" for figure in figures))


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())

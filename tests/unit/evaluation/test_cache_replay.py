"""Questions replayed against the semantic cache."""

from typing import TYPE_CHECKING

import numpy as np

from legato.evaluation.cache_replay import Stream, shares
from legato.evaluation.question_files import Known
from legato.matching.bound import BoundSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOPICS = 40
EACH = 25


def stream(*, mixed: bool = False) -> tuple[Stream, list[int]]:
    """Return topics asked again and again, each by one vector; `mixed`: clusters say otherwise."""
    vectors: NDArray[np.float32] = np.eye(TOPICS, 64, dtype=np.float32)
    known = [
        Known(f"what is topic{chr(97 + place % TOPICS)}", str(place if mixed else place % TOPICS))
        for place in range(TOPICS * EACH)
    ]
    rows = np.tile(vectors, (EACH, 1))
    return Stream(known, rows, "minilm-64@0"), list(range(len(known)))


def test_what_means_the_same_is_served_and_counted_right() -> None:
    one, order = stream()
    outcome = one.replay(BoundSettings(bound=0.05), order, seed=1)
    assert outcome.requests == TOPICS * EACH
    assert outcome.hits == outcome.correct_hits > outcome.requests / 3
    assert 0 < outcome.checked <= 0.05 * outcome.hits
    assert len(one.decision_ns) == outcome.requests


def test_a_hit_of_another_cluster_is_wrong() -> None:
    one, order = stream(mixed=True)
    outcome = one.replay(BoundSettings(bound=0.02, evidence="checks"), order, seed=1)
    assert 0 < outcome.wrong_hits == outcome.hits <= 0.02 * outcome.requests


def test_a_seed_repeats_everything() -> None:
    one, order = stream()
    settings = BoundSettings()
    assert one.replay(settings, order, seed=4) == one.replay(settings, order, seed=4)


def test_shares_say_mean_limits_and_greatest() -> None:
    one, order = stream()
    outcomes = [one.replay(BoundSettings(bound=0.05), order, seed=seed) for seed in range(4)]
    found = shares(outcomes, lambda outcome: outcome.hits / outcome.requests)
    assert found.low <= found.mean <= found.high
    assert found.mean <= found.greatest

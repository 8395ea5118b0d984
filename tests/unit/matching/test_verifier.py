"""Scores of candidates."""

import pytest

from legato.matching.questions import prepare
from legato.matching.verifier import Verifier, trust_in

ASKED = prepare("How do I reset my password?")


@pytest.mark.parametrize("embedder", ["minilm-384@0a1b2c3d", "wordllama-256@0a1b2c3d"])
def test_the_nearer_the_likelier(embedder: str) -> None:
    verifier = Verifier.of(embedder)
    scores = [verifier.score(ASKED, ASKED, near / 20) for near in range(21)]
    assert scores == sorted(scores)
    assert 0 <= scores[0] < scores[-1] < 1


def test_a_slot_that_disagrees_outweighs_any_similarity() -> None:
    other = prepare("How do I not reset my password?")
    assert Verifier.of("minilm").score(ASKED, other, 1.0) == 0


@pytest.mark.parametrize("near", [-0.2, 0.0, 0.5, 0.95, 1.0])
def test_no_score_is_above_that_of_questions_that_agree(near: float) -> None:
    verifier, other = Verifier.of("wordllama"), prepare("Why was the parser 3 times slower?")
    assert verifier.likely(near) == verifier.score(ASKED, ASKED, near)
    assert verifier.likely(near) >= verifier.score(ASKED, other, near)


def test_scores_of_an_unknown_embedder_are_no_evidence() -> None:
    assert trust_in("deployment:minilm:text-embedding-3-small").evidence == "learnt"
    assert trust_in("minilm-384@0a1b2c3d").evidence == "scores"
    assert Verifier.of("text-embedding-3-small").score(ASKED, ASKED, 0.9) > 0


def test_weights_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="weights are needed"):
        Verifier([1.0])


def test_the_likeliest_need_not_be_the_nearest() -> None:
    near, far = prepare("How do I not reset my password?"), prepare("How can I reset my password?")
    verifier = Verifier.of("minilm")
    found = verifier.likeliest(
        ASKED, [("near", near, 0.99), ("far", far, 0.95), ("same", far, 0.95)]
    )
    assert found == ("far", 0.95, verifier.score(ASKED, far, 0.95))
    assert verifier.likeliest(ASKED, [("near", near, 0.99)]) == ("near", 0.99, 0.0)
    assert verifier.likeliest(ASKED, []) == (None, 0.0, 0.0)

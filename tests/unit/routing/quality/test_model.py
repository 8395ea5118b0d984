"""The predictor as the gateway has it: its file, priors, and questions unlike all it has seen."""

import msgspec
import numpy as np
import pytest
from tests.unit.routing.quality.a_world import a_world, judged

from legato.routing.quality.file import UnreadableModel
from legato.routing.quality.learning import learn
from legato.routing.quality.model import QualityModel, packaged_model, predicted
from legato.routing.quality.question import question_of

NAMES = ("small", "large")
WORLD = a_world(300, (0.0, 2.0))
MODEL = learn(judged(WORLD, NAMES), "made@1").model
QUESTION = WORLD.questions[0]


def test_a_predictor_survives_its_file() -> None:
    read = QualityModel.from_bytes(MODEL.to_bytes())
    assert read.version == MODEL.version
    assert read.embedder == "made@1"
    assert read.deployments == NAMES
    for question in WORLD.questions[:20]:
        assert read.predict(question, NAMES) == MODEL.predict(question, NAMES)


@pytest.mark.parametrize("end", [0, 10, 1_000, -1])
def test_a_cut_file_is_refused(end: int) -> None:
    with pytest.raises(UnreadableModel):
        QualityModel.from_bytes(MODEL.to_bytes()[:end])


def test_a_file_of_another_format_is_refused() -> None:
    plain = msgspec.msgpack.decode(MODEL.to_bytes())
    plain["format"] = 99
    with pytest.raises(UnreadableModel, match=r"format is 99"):
        QualityModel.from_bytes(msgspec.msgpack.encode(plain))


def test_arrays_that_do_not_fit_are_refused() -> None:
    plain = msgspec.msgpack.decode(MODEL.to_bytes())
    plain["deployments"] = ["small"]
    with pytest.raises(UnreadableModel, match="fit"):
        QualityModel.from_bytes(msgspec.msgpack.encode(plain))


def test_numbers_that_are_none_are_refused() -> None:
    plain = msgspec.msgpack.decode(MODEL.to_bytes())
    base = plain["parts"]["linear"]["arrays"]["base"]
    base["data"] = np.array([np.nan, 1.0], "<f4").tobytes()
    with pytest.raises(UnreadableModel, match="no number"):
        QualityModel.from_bytes(msgspec.msgpack.encode(plain))


def test_without_training_a_published_score_is_expected() -> None:
    model = packaged_model("made@1").covering({"fast": "gpt-4o-mini-2024-07-18"})
    (known,) = model.predict(QUESTION, ["fast"])
    assert (known.mean, known.evidence) == (pytest.approx(0.82), 0)
    assert QualityModel.from_bytes(model.to_bytes()).predict(QUESTION, ["fast"]) == [known]


def test_the_less_is_known_of_a_model_the_wider_the_deviation() -> None:
    known, family, nothing = packaged_model("made@1").predict(
        QUESTION, ["gpt-4o-mini", "vendor/new-mini", "in-house"]
    )
    assert known.deviation < family.deviation < nothing.deviation


def test_a_newcomer_is_expected_to_find_hard_what_all_find_hard() -> None:
    order = sorted(WORLD.questions, key=lambda one: MODEL.predict(one, NAMES)[0].mean)
    hard = MODEL.predict(order[0], ["newcomer"])[0].mean
    easy = MODEL.predict(order[-1], ["newcomer"])[0].mean
    assert hard < 0.5 < easy


def test_new_ground_widens_the_deviation_and_draws_to_the_usual() -> None:
    away = -QUESTION.vector
    strange = MODEL.predict(question_of("¿?", away), NAMES)
    nearby = MODEL.predict(QUESTION, NAMES)
    assert all(s.deviation > 1.5 * n.deviation for s, n in zip(strange, nearby, strict=True))
    assert strange[0].mean == pytest.approx(WORLD.outcomes[:, 0].mean(), abs=0.05)


def test_a_text_without_words_or_vector_is_predicted() -> None:
    (found,) = MODEL.predict(question_of("", np.zeros(32, np.float32)), ["small"])
    assert 0.0 < found.mean < 1.0
    assert found.deviation > 0.1


def test_one_question_is_told_what_it_is_told_among_others() -> None:
    trained = MODEL.trained
    assert trained is not None
    some = WORLD.questions[:40]
    means, deviations, costs = predicted(trained, trained.space.rows(some))
    assert costs is not None
    for row, question in enumerate(some):
        said = MODEL.predict(question, MODEL.deployments)
        assert [one.mean for one in said] == pytest.approx(means[row], abs=1e-4)
        assert [one.deviation for one in said] == pytest.approx(deviations[row], abs=1e-4)
        assert [one.cost_usd for one in said] == pytest.approx(costs[row], rel=1e-3)

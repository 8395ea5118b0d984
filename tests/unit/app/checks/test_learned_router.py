"""A route's trained predictor: from a table to what the gateway expects of deployments."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from legato.app.checks.learned_router import learned_router
from legato.app.models.catalogue import policy_of
from legato.app.models.router_files import router_version
from legato.core.config import Route
from legato.core.config_routing import Quality
from legato.core.errors import ConfigInvalid, InvalidRequest
from legato.embedding.loading import load_embedder
from legato.evaluation.routing.tables import JudgedTable
from legato.evaluation.routing.training import trained_router
from legato.routing.quality.model import QualityModel
from legato.routing.quality.question import question_of

EMBEDDER = load_embedder("wordllama", Path())
EASY = "Which river runs through town 40?"
MODELS = {"large": "gpt-4o", "small": "gpt-4o-mini", "new": "gpt-4.1"}


def _table(count: int = 300) -> JudgedTable:
    """The small deployment fails at sums."""
    chance = np.random.default_rng(1)
    sums = chance.random(count) < 0.5
    prompts = [
        f"What is {n} + {n * 7} - 12?" if hard else f"Which river runs through town {n}?"
        for n, hard in enumerate(sums)
    ]
    small = np.where(sums, chance.random(count) < 0.2, chance.random(count) < 0.95)
    outcomes = np.column_stack([np.ones(count), small]).astype(float)
    costs = np.tile([0.01, 0.001], (count, 1))
    return JudgedTable(prompts, [""] * count, ("large", "small"), outcomes, costs)


@cache
def trained() -> tuple[dict[str, Any], bytes]:
    """Trained where a test asks, not wherever tests are listed."""
    return trained_router(_table(), MODELS, EMBEDDER)


def test_what_is_expected_depends_on_the_text(tmp_path: Path) -> None:
    file = tmp_path / "chat.router"
    file.write_bytes(trained()[1])
    router = learned_router(str(file), MODELS, frozenset(), Path())
    hard = router("What is 40 + 280 - 12?", ["large", "small"])
    easy = router(EASY, ["large", "small"])
    assert hard["small"].mean < 0.5
    assert easy["small"].mean > 0.8
    assert hard["large"].mean > 0.8
    assert router.version == trained()[0]["version"] == router_version(str(file))
    assert router_version(str(tmp_path / "missing.router")) == ""


def test_another_file_under_the_same_name_is_another_policy(tmp_path: Path) -> None:
    file = tmp_path / "chat.router"
    route = Route(alias="chat", deployments=["large"], quality=Quality(router=str(file)))
    file.write_bytes(trained()[1])
    before = policy_of(route)
    assert policy_of(route) == before
    file.write_bytes(trained()[1] + b"x")
    assert policy_of(route) != before


def test_what_was_never_judged_has_its_prior_unless_something_is_stated(tmp_path: Path) -> None:
    file = tmp_path / "chat.router"
    file.write_bytes(trained()[1])
    names = ["small", "new"]
    prior = learned_router(str(file), MODELS, frozenset(), Path())(EASY, names)
    assert prior["new"].deviation > prior["small"].deviation
    assert "new" not in learned_router(str(file), MODELS, frozenset({"new"}), Path())(
        "Which?", names
    )


def test_a_report_names_the_version_and_what_quality_costs() -> None:
    assert trained()[0]["version"].startswith("sha256:")
    assert [one["judged"] for one in trained()[0]["deployments"]] == [300, 300]
    costs = [one["cost_usd"] for one in trained()[0]["frontier"]]
    assert costs == sorted(costs, reverse=True)
    assert all(one["low"] <= one["quality"] <= one["high"] for one in trained()[0]["frontier"])


def test_too_few_judged_answers_are_refused_with_their_count() -> None:
    table = _table()
    outcomes = table.outcomes.copy()
    outcomes[40:, 1] = np.nan
    with pytest.raises(InvalidRequest, match="small has 40; 100 are needed"):
        trained_router(table._replace(outcomes=outcomes), MODELS, EMBEDDER)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"missing\.router: No such file"):
        learned_router(str(tmp_path / "missing.router"), MODELS, frozenset(), Path())
    broken = tmp_path / "broken.router"
    broken.write_bytes(b"no router")
    with pytest.raises(ConfigInvalid, match="no predictor"):
        learned_router(str(broken), MODELS, frozenset(), Path())


def test_vectors_of_another_embedder_are_refused(tmp_path: Path) -> None:
    plain = msgspec.msgpack.decode(trained()[1])
    plain["embedder"] = "wordllama-256@00000000"
    file = tmp_path / "other.router"
    file.write_bytes(msgspec.msgpack.encode(plain))
    with pytest.raises(ConfigInvalid, match="trained by the embedder wordllama-256@00000000"):
        learned_router(str(file), MODELS, frozenset(), Path())


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.router"
    os.mkfifo(pipe)
    with pytest.raises(ConfigInvalid, match="it is no file"):
        learned_router(str(pipe), MODELS, frozenset(), Path())


def test_a_router_without_some_questions_says_less_of_them_and_as_much_of_others() -> None:
    model = QualityModel.from_bytes(trained()[1])
    assert model.trained is not None
    count = len(model.trained.neighbours.near)
    question = question_of(EASY, EMBEDDER.embed([EASY])[0])
    (whole,) = model.predict(question, ["small"])
    most = model.with_only(range(1, count))
    assert most.trained is not None
    assert len(most.trained.neighbours.near) == count - 1
    assert QualityModel.from_bytes(most.to_bytes()).version == most.version != model.version
    assert most.predict(question, ["small"])[0].mean == pytest.approx(whole.mean, abs=0.05)
    (blind,) = model.with_only([]).predict(question, ["small"])
    assert 0.0 < blind.mean < 1.0
    assert blind.deviation > whole.deviation

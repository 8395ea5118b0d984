import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from legato.embedding.base import Embedder, EmbedderUnavailable
from legato.embedding.loading import load_embedder
from legato.embedding.tensors import mapped

np = pytest.importorskip("numpy")
wordllama = pytest.importorskip("wordllama")


from tokenizers import Tokenizer  # noqa: E402 - it needs the extra

from legato.embedding.word_ids import WordIds  # noqa: E402 - it needs the extra

ROOT = Path(wordllama.__file__).parent
TOKENIZER = ROOT / "tokenizers/l2_supercat_tokenizer_config.json"


@pytest.fixture(scope="module")
def whole() -> Tokenizer:
    return Tokenizer.from_file(str(TOKENIZER))


@pytest.fixture(scope="module")
def word_ids(whole: Tokenizer) -> WordIds:
    return WordIds(whole, TOKENIZER)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder("wordllama", Path("unused"))


def _tokens(words: WordIds, text: str) -> list[int]:
    return [one for piece in words.pieces(text) for one in words.of(piece)]


def test_rows_are_unit_vectors_in_the_order_of_the_texts(embedder: Embedder) -> None:
    texts = ["How do I reset my password?", "A cake recipe", "ünïcode 你好 🙂"]
    rows = embedder.embed(texts)
    assert rows.shape == (3, embedder.dimensions) == (3, 256)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    for row, text in zip(rows, texts, strict=True):
        assert np.array_equal(row, embedder.embed([text])[0])


def test_the_same_meaning_is_nearer_than_another(embedder: Embedder) -> None:
    asked, same, other = embedder.embed(
        ["How can I reset my password?", "how to reset a password", "What is the best cake?"]
    )
    assert asked @ same > asked @ other + 0.2


def test_it_agrees_with_the_mean_of_the_token_vectors(embedder: Embedder) -> None:
    (table,) = mapped(ROOT / "weights/l2_supercat_256.safetensors").values()
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    ids = tokenizer.encode("Is 17 a prime?", add_special_tokens=False).ids
    mean = np.asarray(table, np.float64)[ids].mean(axis=0)
    assert embedder.embed(["Is 17 a prime?"])[0] @ (mean / np.linalg.norm(mean)) > 0.99999


_PIECES = st.sampled_from(
    [
        " ",
        "  ",
        "\u2581",
        "<s>",
        "</s>",
        "<unk>",
        "\n",
        "\t",
        "é",
        "你好",
        "🙂",
        "\u00a0",
        "'s",
        "?",
    ]
) | st.text(alphabet="abeinorstXY019.,-<>", max_size=12)


@given(st.lists(_PIECES, max_size=20).map("".join))
@example("I work in a shop with a self-service till, and I don't like it")
@example("word " * 3 + "x" * 100)
def test_word_by_word_are_the_tokens_of_the_whole_text(
    word_ids: WordIds, whole: Tokenizer, text: str
) -> None:
    for _ in range(2):  # met for the first time, and again
        assert _tokens(word_ids, text) == whole.encode(text, add_special_tokens=False).ids


def test_another_tokenizer_is_given_whole_texts(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    said = json.loads(TOKENIZER.read_bytes())
    said["normalizer"]["normalizers"].append({"type": "Lowercase"})
    file.write_text(json.dumps(said))
    tokenizer = Tokenizer.from_file(str(file))
    text = "Is THIS lower?"
    expected = tokenizer.encode(text, add_special_tokens=False).ids
    assert _tokens(WordIds(tokenizer, file), text) == expected


def test_nothing_has_no_direction(embedder: Embedder) -> None:
    assert not embedder.embed([""]).any()
    assert embedder.embed([]).shape == (0, 256)


def test_a_text_is_looked_at_only_so_far(embedder: Embedder) -> None:
    long = "word " * embedder.chars_max
    first, cut = embedder.embed([long, long[: embedder.chars_max]])
    assert np.array_equal(first, cut)


def test_the_name_tells_kind_dimensions_and_weights(embedder: Embedder) -> None:
    kind, _, digest = embedder.name.partition("@")
    assert kind == "wordllama-256"
    assert len(digest) == 8


def test_an_unknown_kind_is_refused_with_what_there_is() -> None:
    with pytest.raises(EmbedderUnavailable, match="'bert'; there are: wordllama, minilm"):
        load_embedder("bert", Path("unused"))


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}"[:9], b"\x08" * 8])
def test_a_file_that_is_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights"
    path.write_bytes(content)
    with pytest.raises(EmbedderUnavailable, match="can't be read as weights"):
        mapped(path)


def test_more_words_than_are_kept_change_nothing() -> None:
    fresh, worn = (load_embedder("wordllama", Path("unused")) for _ in range(2))
    for start in range(0, 24_000, 4_000):
        worn.embed([" ".join(f"w{number}" for number in range(start, start + 4_000))])
    text = f"Where is w3 and w12001, and {'a' * 40}?"
    assert np.array_equal(worn.embed([text]), fresh.embed([text]))

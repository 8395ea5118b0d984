"""Groups common words of many languages by meaning: WordLlama's static embeddings (MIT)."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

GROUPS = 240
ROUNDS = 30


def word_clusters(wordllama: Path) -> dict[str, int]:
    """Return the group, from 1, of each word that is one token of the unpacked package."""
    table = next(
        iter(load_file(next(wordllama.rglob("l2_supercat_256.safetensors"))).values())
    ).astype(np.float32)
    tokenizer = Tokenizer.from_file(str(next(wordllama.rglob("l2_supercat_tokenizer_config.json"))))
    rows: dict[str, int] = {}
    for token, row in sorted(tokenizer.get_vocab().items()):
        word = token.removeprefix("▁")
        if word != token and word.isalpha() and len(word) > 1 and word[0] < "\u2e80":
            rows.setdefault(word.lower(), row)
            if word.islower():
                rows[word] = row
    words = sorted(rows)
    vectors = table[[rows[word] for word in words]]
    vectors -= vectors.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6
    rng = np.random.default_rng(7)
    centres = vectors[rng.choice(len(vectors), GROUPS, replace=False)]
    nearest = np.zeros(len(vectors), dtype=int)
    for _ in range(ROUNDS):
        nearest = (vectors @ centres.T).argmax(1)
        for group in range(GROUPS):
            members = vectors[nearest == group]
            if len(members):
                mean = members.mean(0)
                centres[group] = mean / (np.linalg.norm(mean) + 1e-6)
    return {word: int(group) + 1 for word, group in zip(words, nearest, strict=True)}

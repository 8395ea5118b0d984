"""How margins become scores. Made by tools/train_toxicity: don't edit."""

from typing import Final

GRAIN: Final = 0.030229
BIAS: Final = -1.54351
AT: Final = 0.970636
"""The margin that scores 0.5."""
SHA256: Final = "2877799d3f11149e22892fd72d6c74df4e380d3bc7c55f2f0cde811f66b5d698"
"""Of words.txt and weights.tsv, which they belong to."""

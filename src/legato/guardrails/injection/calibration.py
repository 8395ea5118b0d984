"""How margins become scores. Made by tools/train_injection: don't edit."""

from typing import Final

SHA256: Final = "099cc47a8575a33ffa0374d74c163779d2a70f0246f484b62f1917c50386e93a"
"""Of weights.tsv, which these figures belong to."""
INPUT: Final = (0.086993, -2.1318, 1.5, 0.8, 1)
UNTRUSTED: Final = (0.0717495, -1.87171, 2, -2.8, 1)
"""Grain, bias, length cost, margin that scores 0.5, slope: see `model.Weights`."""

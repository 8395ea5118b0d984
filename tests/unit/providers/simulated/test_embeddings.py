import base64
import math
from array import array

import pytest

from legato.providers.simulated.embeddings import base64_floats, unit_vector


@pytest.mark.parametrize("dimensions", [1, 3, 256, 1536])
def test_unit_length_and_repeatable(dimensions: int) -> None:
    vector = unit_vector("text", "m", dimensions)
    assert len(vector) == dimensions
    assert math.isclose(sum(value * value for value in vector), 1.0, rel_tol=1e-9)
    assert vector == unit_vector("text", "m", dimensions)
    assert dimensions == 1 or vector != unit_vector("other", "m", dimensions)


def test_base64_holds_the_same_floats() -> None:
    vector = unit_vector("text", "m", 8)
    unpacked = array("f")
    unpacked.frombytes(base64.b64decode(base64_floats(vector)))
    assert unpacked.tolist() == pytest.approx(vector)

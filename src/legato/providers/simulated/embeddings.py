"""Deterministic unit vectors: the same text, model and length give the same vector."""

import base64
import hashlib
import math
from array import array

_BYTES_PER_COMPONENT = 2


def unit_vector(text: str, model: str, dimensions: int) -> list[float]:
    """`dimensions` floats of Euclidean length 1, drawn uniformly from a cube before scaling."""
    drawn = array("h")
    seed = f"{model}\0{text}".encode()
    drawn.frombytes(hashlib.shake_128(seed).digest(dimensions * _BYTES_PER_COMPONENT))
    # Half a step off, so no component is zero and the length never is.
    components = [value + 0.5 for value in drawn]
    length = math.sqrt(sum(value * value for value in components))
    return [value / length for value in components]


def base64_floats(vector: list[float]) -> str:
    """The vector as little-endian 32-bit floats in base64, as OpenAI's `encoding_format` has it."""
    packed = array("f", vector)
    return base64.b64encode(packed.tobytes()).decode()

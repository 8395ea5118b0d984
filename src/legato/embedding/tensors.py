"""Reading the safetensors format without copying: tensors are views of the mapped file.

A mapped file lies in memory once for all workers, and only the rows that were looked up are there
at all. The format: https://github.com/huggingface/safetensors#format
"""

import struct
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from legato.embedding.base import EmbedderUnavailable

_LENGTH = struct.Struct("<Q")
_HEADER_BYTES_MAX = 1024 * 1024
_TYPES = {"F16": np.float16, "F32": np.float32, "I64": np.int64}


class _Tensor(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def mapped(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file by name, read-only and not yet in memory.

    Raises:
        EmbedderUnavailable: the file can't be read or isn't of this format.
    """
    try:
        whole = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
        return _views(whole)
    except (OSError, ValueError, struct.error) as error:  # msgspec's errors are ValueErrors
        reason = getattr(error, "strerror", None) or error
        raise EmbedderUnavailable(f"{path} can't be read as weights: {reason}") from error


def _views(whole: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    (length,) = _LENGTH.unpack(whole[: _LENGTH.size].tobytes())
    if length > min(_HEADER_BYTES_MAX, len(whole)):
        msg = "its header is too long"
        raise ValueError(msg)
    start = _LENGTH.size + length
    raw = msgspec.json.decode(whole[_LENGTH.size : start].tobytes(), type=dict[str, msgspec.Raw])
    tensors = {}
    for name, told in raw.items():
        if name == "__metadata__":
            continue
        tensor = msgspec.json.decode(told, type=_Tensor)
        kind = _TYPES.get(tensor.dtype)
        if kind is None:
            msg = f"{name} is of the type {tensor.dtype}"
            raise ValueError(msg)
        begin, end = tensor.data_offsets
        flat = whole[start + begin : start + end].view(kind)
        tensors[name] = flat.reshape(tensor.shape)
    return tensors

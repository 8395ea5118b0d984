"""What the workers serve, written down by them for `legato endpoints`."""

import os
from collections.abc import Iterable

import msgspec

from legato.api.endpoints import Endpoint
from legato.app.config.data_dir import DataDir
from legato.core.errors import NotFound


def write_endpoints(data: DataDir, endpoints: Iterable[Endpoint]) -> None:
    """Write down what this worker serves; all workers of an instance serve the same.

    Raises:
        OSError: the data directory can't be written.
    """
    part = data.endpoints_file.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(msgspec.json.encode(list(endpoints)))
    part.replace(data.endpoints_file)


def read_endpoints(data: DataDir) -> list[Endpoint]:
    """Return what the workers last started on a data directory serve.

    Raises:
        NotFound: none has been started there by this version.
    """
    try:
        return msgspec.json.decode(data.endpoints_file.read_bytes(), type=list[Endpoint])
    except (FileNotFoundError, msgspec.DecodeError):
        msg = f"No worker has started on {data.root} yet; start one with `legato up`."
        raise NotFound(msg) from None

"""The process that one call of a Python function runs in: JSON in, JSON out.

`python -m legato.connectors.python_process MODULE:FUNCTION MEMORY_MIB`. What the function prints
goes to standard error, so it doesn't mix with the answer.
"""

import asyncio
import inspect
import os
import resource
import sys
from typing import Any

import msgspec

from legato.connectors.python_tool import Function
from legato.core.errors import ConfigInvalid, InvalidRequest

_TOLD_MAX = 500


def main() -> None:
    """Answer what stands on standard input."""
    path, memory_mib = sys.argv[1], int(sys.argv[2])
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    bytes_max = memory_mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))
    said = msgspec.json.decode(sys.stdin.buffer.read())
    with os.fdopen(answer_fd, "wb") as out:
        out.write(msgspec.json.encode(_answer(path, said)))


def _answer(path: str, said: dict[str, Any]) -> dict[str, Any]:
    try:
        found = Function(path)(said["arguments"], said["given"])
        return {"value": asyncio.run(found) if inspect.iscoroutine(found) else found}
    except InvalidRequest as error:
        return {"invalid": error.message}
    except ConfigInvalid as error:
        return {"failed": error.message}
    except Exception as error:  # noqa: BLE001 - a stranger's function: its failure is the answer
        return {"failed": f"{type(error).__name__}: {error}"[:_TOLD_MAX]}


if __name__ == "__main__":
    main()

"""JSON-RPC 2.0, as MCP and A2A speak it."""

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from legato.connectors.tool import failed

_TOLD_MAX: Final = 300


def request(number: int, method: str, params: Any) -> dict[str, Any]:
    """Return a call that is answered."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def notification(method: str, params: Any | None = None) -> dict[str, Any]:
    """Return one that isn't."""
    said: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    return said if params is None else {**said, "params": params}


def result_of(answer: Any) -> Any:
    """Return what an answer holds. Raises ToolFailed with its error."""
    if not isinstance(answer, dict):
        raise failed("it answered no JSON-RPC")
    error = answer.get("error")
    if isinstance(error, dict):
        raise failed(f"it refused: {str(error.get('message', ''))[:_TOLD_MAX]}")
    return answer.get("result")


def read(raw: bytes) -> Any:
    """Return a message. Raises ToolFailed."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        raise failed("it answered no JSON") from None


async def event_data(chunks: AsyncIterator[bytes], bytes_max: int) -> AsyncIterator[bytes]:
    """Yield the data of each event of a stream (server-sent events). Raises ToolFailed: too much.

    `bytes_max` bounds the whole stream.
    """
    rest, data, total = b"", [], 0
    async for chunk in chunks:
        total += len(chunk)
        if total > bytes_max:
            raise failed(f"the answer is larger than {bytes_max} bytes")
        *lines, rest = (rest + chunk).split(b"\n")
        for line in (one.rstrip(b"\r") for one in lines):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data = []
    if data:
        yield b"\n".join(data)

"""A server of the official Python SDK: `python mcp_server.py stdio | http PORT`."""

import sys
from typing import Any

from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

server = MCPServer("warehouse")


class Stock(BaseModel):
    """What lies there."""

    item: str
    count: int


@server.tool()
def stock(item: str) -> Stock:
    """Tell how much of an item lies there."""
    return Stock(item=item, count=len(item))


@server.tool()
def broken(item: str) -> str:
    """Fail."""
    raise RuntimeError(f"no shelf for {item}")


@server.tool()
def word(item: str) -> Any:
    """Say a word."""
    return f"<{item}>"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))

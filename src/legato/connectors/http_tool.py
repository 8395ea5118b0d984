"""Tools that are one operation over HTTP."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from legato.connectors.tool import ToolContext, ToolSpec
from legato.connectors.web import Fetched, Headers, Limits, Web, checked, in_path
from legato.core.config_tools import HttpTool, Tool
from legato.core.errors import InvalidRequest

IDEMPOTENCY_KEY: Final = "idempotency-key"
IN_QUERY: Final = frozenset({"GET", "HEAD", "DELETE"})
_PLACE: Final = re.compile(r"\{([^{}]+)\}")


class HttpSource:
    """A `Source` of one operation."""

    def __init__(self, tool: Tool, http: HttpTool, web: Web, headers: Headers) -> None:
        self._tool = tool
        self._http = http
        self._web = web
        self._headers = headers

    async def specs(self) -> list[ToolSpec]:
        """Return it."""
        return [ToolSpec(name=self._tool.name, kind="http")]

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Make the request. Raises ToolFailed, InvalidRequest."""
        del name  # there is but one
        http, rest = self._http, dict(arguments)
        url = filled(http.url, rest)
        body = None
        if http.method in IN_QUERY:
            url = with_query(url, rest)
        else:
            body = msgspec.json.encode(rest)
        headers = {**self._headers(), IDEMPOTENCY_KEY: context.key}
        if body is not None:
            headers["content-type"] = "application/json"
        fetched: Fetched = await self._web.fetch(
            http.method,
            url,
            headers=headers,
            body=body,
            limits=Limits(self._tool.timeout_s, self._tool.answer_bytes_max),
        )
        return checked(fetched).json()

    async def close(self) -> None:
        """Close its connections."""
        await self._web.close()


def filled(url: str, arguments: dict[str, Any]) -> str:
    """Return a URL whose path holds the arguments it names, which are taken out of the others.

    Raises:
        InvalidRequest: one isn't given, or would lead elsewhere.
    """
    parts = urlsplit(url)

    def put_in(found: re.Match[str]) -> str:
        name = found[1]
        try:
            return in_path(arguments.pop(name))
        except KeyError:
            raise InvalidRequest(f"arguments.{name}: needed", param="arguments") from None
        except ValueError as error:
            raise InvalidRequest(f"arguments.{name}: {error}", param="arguments") from None

    return parts._replace(path=_PLACE.sub(put_in, parts.path)).geturl()


def with_query(url: str, arguments: Mapping[str, Any]) -> str:
    """Return a URL with arguments in its query, a list as the same name several times."""
    pairs = [
        (name, one if isinstance(one, str) else msgspec.json.encode(one).decode())
        for name, value in arguments.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]
    parts = urlsplit(url)
    query = "&".join(one for one in (parts.query, urlencode(pairs)) if one)
    return parts._replace(query=query).geturl()

"""Tools of an OpenAPI 3 document: each operation is one, by its operationId."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import msgspec
import yaml

from legato.connectors.http_tool import IDEMPOTENCY_KEY, filled, with_query
from legato.connectors.tool import APART, ToolContext, ToolSpec, failed
from legato.connectors.web import Headers, Limits, Web, checked
from legato.core.config_tools import OpenApiTool, Tool
from legato.core.errors import InvalidRequest

_METHODS: Final = ("get", "put", "post", "delete", "patch", "head")
_DOCUMENT_BYTES_MAX: Final = 8 * 1024 * 1024
_PARTS_MAX: Final = 50_000
"""Of one operation, with what its references point to."""
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")
_BODY: Final = "body"
_JSON: Final = "application/json"


class Operation(NamedTuple):
    """An operation: where each of its arguments goes."""

    name: str
    method: str
    path: str
    places: dict[str, str]
    """`path`, `query`, `header`, or `body` for a property of the body."""
    whole_body: bool
    """Whether the body is no object, and is the argument `body` itself."""
    spec: ToolSpec


class OpenApiSource:
    """A `Source` of the operations of one document, which is read when first needed."""

    def __init__(self, tool: Tool, openapi: OpenApiTool, web: Web, headers: Headers) -> None:
        self._tool = tool
        self._openapi = openapi
        self._web = web
        self._headers = headers
        self._known: dict[str, Operation] | None = None
        self._server = openapi.server or ""

    async def specs(self) -> list[ToolSpec]:
        """Return the operations. Raises ToolFailed."""
        return [one.spec for one in (await self._operations()).values()]

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Make the request of an operation. Raises ToolFailed, InvalidRequest."""
        known = await self._operations()
        if name not in known:
            raise InvalidRequest(f"{self._tool.name} has no operation {name!r}", param="tool")
        operation = known[name]
        headers = {**self._headers(), IDEMPOTENCY_KEY: context.key}
        url, body = self._request(operation, dict(arguments), headers)
        limits = Limits(self._tool.timeout_s, self._tool.answer_bytes_max)
        fetched = await self._web.fetch(
            operation.method.upper(), url, headers=headers, body=body, limits=limits
        )
        return checked(fetched).json()

    async def close(self) -> None:
        """Close its connections."""
        await self._web.close()

    def _request(
        self, operation: Operation, arguments: dict[str, Any], headers: dict[str, str]
    ) -> tuple[str, bytes | None]:
        url = filled(self._server.rstrip("/") + operation.path, arguments)
        by_place: dict[str, dict[str, Any]] = {"query": {}, "header": {}, "body": {}}
        for name, value in arguments.items():
            by_place[operation.places.get(name, "body")][name] = value
        for name, value in by_place["header"].items():
            headers[name] = _header_value(name, value)
        url, content = with_query(url, by_place["query"]), by_place["body"]
        if not content:
            return url, None
        headers["content-type"] = _JSON
        return url, msgspec.json.encode(content[_BODY] if operation.whole_body else content)

    async def _operations(self) -> dict[str, Operation]:
        if self._known is None:
            document = _parsed(await self._document())
            if not self._server:
                self._server = _server_of(document, self._openapi.document)
            wanted = self._openapi.operations
            found = {one.name: one for one in _operations(document, self._tool.name)}
            missing = sorted(set(wanted or ()) - set(found))
            if missing:
                raise failed(f"the document has no operation {missing[0]!r}")
            self._known = {
                name: one for name, one in found.items() if wanted is None or name in wanted
            }
        return self._known

    async def _document(self) -> bytes:
        place = self._openapi.document
        if place.startswith(("http://", "https://")):
            limits = Limits(self._tool.timeout_s, _DOCUMENT_BYTES_MAX)
            fetched = await self._web.fetch("GET", place, headers=self._headers(), limits=limits)
            return checked(fetched).body
        try:
            return await asyncio.to_thread(Path(place).read_bytes)
        except OSError as error:
            raise failed(
                f"the document {Path(place).name} can't be read: {error.strerror}"
            ) from None


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(raw) if raw.lstrip()[:1] == b"{" else yaml.safe_load(raw)
    except (msgspec.DecodeError, yaml.YAMLError):
        raise failed("the document is neither JSON nor YAML") from None
    if not isinstance(found, dict) or not str(found.get("openapi", "")).startswith("3."):
        raise failed("the document is no OpenAPI 3")
    return found


def _server_of(document: Mapping[str, Any], place: str) -> str:
    servers = document.get("servers") or [{}]
    url = str(servers[0].get("url", ""))
    found = urljoin(place, url) if place.startswith("http") else url
    if not found.startswith(("http://", "https://")):
        raise failed("the document names no server: give `openapi.server`")
    return found


def _operations(document: Mapping[str, Any], source: str) -> Iterator[Operation]:
    for path, item in (document.get("paths") or {}).items():
        common = item.get("parameters") or []
        for method in _METHODS:
            said = item.get(method)
            if said is not None and said.get("operationId"):
                inline = _Inline(document)
                yield _operation(source, (path, method), {**said, "common": common}, inline)


def _operation(
    source: str, place: tuple[str, str], said: Mapping[str, Any], inline: "_Inline"
) -> Operation:
    path, method = place
    name = _ODD.sub("_", said["operationId"])
    properties: dict[str, Any] = {}
    places: dict[str, str] = {}
    required: list[str] = []
    for one in [*said["common"], *(said.get("parameters") or [])]:
        parameter = inline.of(one)
        if parameter["in"] in {"path", "query", "header"}:
            places[parameter["name"]] = parameter["in"]
            schema = {**parameter.get("schema", {})}
            if parameter.get("description"):
                schema.setdefault("description", parameter["description"])
            properties[parameter["name"]] = schema
            required += [parameter["name"]] if parameter.get("required") else []
    body = _body_schema(inline.of(said.get("requestBody") or {}))
    whole = body is not None and body.get("type") != "object"
    if body is not None and whole:
        properties[_BODY], places[_BODY] = body, _BODY
        required.append(_BODY)
    elif body is not None:
        properties |= body.get("properties", {})
        places |= dict.fromkeys(body.get("properties", {}), _BODY)
        required += body.get("required", [])
    spec = ToolSpec(
        name=f"{source}{APART}{name}",
        kind="openapi",
        description=said.get("summary") or said.get("description") or "",
        parameters={
            "type": "object",
            "properties": properties,
            "required": list(dict.fromkeys(required)),
        },
        returns=_answer_schema(inline.of(said.get("responses") or {})),
    )
    return Operation(name, method, path, places, whole, spec)


def _body_schema(body: Mapping[str, Any]) -> dict[str, Any] | None:
    content = body.get("content", {}).get(_JSON)
    return None if content is None else content.get("schema", {})


def _answer_schema(responses: Mapping[str, Any]) -> dict[str, Any] | None:
    for status in ("200", "201", "2XX"):
        schema = _body_schema(responses.get(status) or {})
        if schema is not None:
            return schema
    return None


def _header_value(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if not text.isascii() or not text.isprintable():
        raise InvalidRequest(f"arguments.{name}: no header can hold it", param="arguments")
    return text


class _Inline:
    """Puts what references point to in their place; only those within the document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._parts = 0

    def of(self, node: Any, within: frozenset[str] = frozenset()) -> Any:
        """Return it without references; where it contains itself, anything may stand."""
        self._parts += 1
        if self._parts > _PARTS_MAX:
            raise failed(f"the document's references come to more than {_PARTS_MAX} parts")
        if isinstance(node, list):
            return [self.of(one, within) for one in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {name: self.of(one, within) for name, one in node.items()}
        if reference in within:
            return {}
        return self.of(self._target(reference), within | {reference})

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise failed(f"the document refers to {reference[:100]!r}: only `#/...` is followed")
        found: Any = self._document
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise failed(f"the document's {reference[:100]!r} leads nowhere")
            found = found[name]
        return found

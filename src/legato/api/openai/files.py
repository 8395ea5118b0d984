"""Files in OpenAI's shape: sent in as forms, read and deleted by their organisation alone."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from legato.api.form import body_of, read_form
from legato.core.errors import InvalidRequest, LegatoError

if TYPE_CHECKING:
    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.core.tasks import InThread
    from legato.storage.kept.files import FileRecord
    from legato.workflows.files import StoredFiles

_JSON = (b"content-type", b"application/json")
_NS_PER_S = 1_000_000_000
_LIMIT_MAX = 10_000
_NAME_MAX = 512
_FIELDS = frozenset({"file", "purpose"})


class FilePages:
    """What is served below `/v1/files`; `ask_store` runs what blocks."""

    def __init__(self, files: "StoredFiles", ask_store: "InThread") -> None:
        self._files = files
        self._ask = ask_store

    def resources(self) -> "dict[str, Resource]":
        """Return the pages by what they do."""
        return {
            "create": answered(self._create),
            "list": answered(self._list),
            "show": answered(self._show),
            "delete": answered(self._delete),
            "content": self._content,
        }

    async def _create(self, exchange: "Exchange", caller: "Principal", _id: str) -> Any:
        org = caller.org
        form = read_form(exchange.header(b"content-type"), await exchange.body())
        fields = body_of(form)
        sent = [part for part in form if part.filename]
        if len(sent) != 1 or sent[0].name != "file":
            raise InvalidRequest("file: send one file, in the part `file`", param="file")
        for field in fields:
            if field not in _FIELDS:
                raise InvalidRequest(f"{field[:100]}: is not known here", param=field[:100])
        if fields.get("purpose") != "batch":
            msg = "purpose: must be batch; nothing here reads files of another"
            raise InvalidRequest(msg, param="purpose")
        name, content = sent[0].filename[:_NAME_MAX], sent[0].value
        if not content:
            raise InvalidRequest("file: is empty", param="file")
        record = await self._ask(lambda: self._files.upload(org, "batch", name, content))
        return _file_object(record, name)

    async def _list(self, exchange: "Exchange", caller: "Principal", _id: str) -> Any:
        org, query = caller.org, read_query(exchange)
        limit, order = read_limit(query, _LIMIT_MAX, _LIMIT_MAX), query.get("order", "desc")
        if order not in {"asc", "desc"}:
            raise InvalidRequest("order: must be asc or desc", param="order")

        def look() -> list[dict[str, Any]]:
            found = self._files.page(
                org,
                after=query.get("after", ""),
                limit=_LIMIT_MAX + 1,
                newest_first=order == "desc",
            )
            purpose = query.get("purpose")
            wanted = [one for one in found if purpose is None or one.purpose == purpose]
            return [_file_object(one, self._files.name(one)) for one in wanted[: limit + 1]]

        return listing(await self._ask(look), limit)

    async def _show(self, _exchange: "Exchange", caller: "Principal", file_id: str) -> Any:
        org = caller.org

        def look() -> dict[str, Any]:
            record = self._files.find(org, file_id)
            return _file_object(record, self._files.name(record))

        return await self._ask(look)

    async def _delete(self, _exchange: "Exchange", caller: "Principal", file_id: str) -> Any:
        org = caller.org
        await self._ask(lambda: self._files.forget(org, file_id))
        return {"id": file_id, "object": "file", "deleted": True}

    async def _content(self, exchange: "Exchange", caller: "Principal", file_id: str) -> None:
        """Send the file part by part: the first is read before the status goes out."""
        org = caller.org
        record = await self._ask(lambda: self._files.find(org, file_id))
        headers = [(b"content-type", b"application/octet-stream")]
        if record.parts <= 1:
            whole = await self._part(record, 0) if record.parts else b""
            await exchange.reply(200, headers, whole)
            return
        piece = await self._part(record, 0)
        await exchange.start(headers)
        try:
            for number in range(1, record.parts):
                if not exchange.send(piece):
                    await exchange.drained()
                piece = await self._part(record, number)
        except LegatoError:
            exchange.cut()  # what has gone out must not be taken for all
            return
        await exchange.end(piece)

    async def _part(self, record: "FileRecord", number: int) -> bytes:
        part: bytes = await self._ask(lambda: self._files.part(record, number))
        return part


def read_query(exchange: "Exchange") -> dict[str, str]:
    """Return the query's fields, the last of each."""
    given = parse_qs(exchange.query.decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[-1] for name, values in given.items()}


def read_limit(query: dict[str, str], default: int, most: int) -> int:
    """Return the `limit` of a list. Raises InvalidRequest."""
    limit = query.get("limit", str(default))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= most):
        raise InvalidRequest(f"limit: must be an integer from 1 to {most}", param="limit")
    return int(limit)


def listing(found: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return a page of a list, made of one object more than it shows where there are more."""
    page = found[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(found) > limit,
    }


def _file_object(record: "FileRecord", name: str) -> dict[str, Any]:
    return {
        "id": record.id,
        "object": "file",
        "bytes": record.size,
        "created_at": record.created_at_ns // _NS_PER_S,
        "filename": name,
        "purpose": record.purpose,
        "status": "processed",
    }


def answered(answer: Callable[["Exchange", "Principal", str], Awaitable[Any]]) -> "Resource":
    """Answer with what `answer` returns, as JSON."""

    async def page(exchange: "Exchange", caller: "Principal", named: str) -> None:
        body = await answer(exchange, caller, named)
        await exchange.reply(200, [_JSON], msgspec.json.encode(body))

    return page

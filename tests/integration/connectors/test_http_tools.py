from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.integration.connectors.served import CONTEXT, serving, toolbox

from legato.core.egress import PERMISSIVE, Egress
from legato.core.errors import InvalidRequest, ToolFailed

OBJECT = {"type": "object"}


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.json_response(
        {
            "path": request.raw_path,
            "body": msgspec.json.decode(body) if body else None,
            "key": request.headers.get("idempotency-key"),
            "authorization": request.headers.get("authorization"),
        }
    )


async def large(_request: web.Request) -> web.Response:
    return web.Response(body=b"x" * 200_000)


async def away(_request: web.Request) -> web.Response:
    raise web.HTTPFound("http://169.254.169.254/latest/meta-data")


def http(url: str, method: str = "POST", **more: Any) -> dict[str, Any]:
    return {"name": "t", "http": {"url": url, "method": method}, "parameters": OBJECT, **more}


async def test_arguments_go_into_path_query_and_body() -> None:
    async with serving(("*", "/{all:.*}", echo)) as url:
        secret = {"authorization": {"env": "TOKEN"}}
        async with toolbox(http(f"{url}/orders/{{id}}", secret_headers=secret)) as tools:
            posted = await tools.call("t", {"id": "a b", "n": 1}, CONTEXT)
        async with toolbox(http(f"{url}/orders/{{id}}?v=2", "GET")) as tools:
            got = await tools.call("t", {"id": 7, "tag": ["x", "y"]}, CONTEXT)
    assert posted["path"] == "/orders/a%20b"
    assert posted["body"] == {"n": 1}
    assert posted["key"] == CONTEXT.key
    assert posted["authorization"] == "s3cret"
    assert got["path"] == "/orders/7?v=2&tag=x&tag=y"


@pytest.mark.parametrize("odd", ["../admin", "a#b", "a?b", "a@b", "a\\b", "..", ""])
async def test_an_argument_leads_nowhere_else(odd: str) -> None:
    async with (
        serving(("*", "/{all:.*}", echo)) as url,
        toolbox(http(f"{url}/orders/{{id}}/end", "GET")) as tools,
    ):
        try:
            found = await tools.call("t", {"id": odd}, CONTEXT)
        except InvalidRequest:
            assert odd in {"..", ""}
        else:
            assert found["path"].startswith("/orders/")
            assert found["path"].endswith("/end")
            assert found["path"].count("/") == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[::ffff:127.0.0.1]/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
    ],
)
async def test_addresses_that_may_not_be_called_are_refused(url: str) -> None:
    async with toolbox(http(url)) as tools:
        with pytest.raises(ToolFailed, match="may not be called"):
            await tools.call("t", {}, CONTEXT)


async def test_a_name_is_judged_by_what_it_stands_for() -> None:
    async with serving(("*", "/{all:.*}", echo)) as url:
        port = url.rpartition(":")[2]
        private = Egress(private=False)
        async with toolbox(http(f"http://localhost:{port}/x"), egress=private) as tools:
            with pytest.raises(ToolFailed, match="private address"):
                await tools.call("t", {}, CONTEXT)
        allowed = Egress(private=False, hosts=frozenset({"localhost"}))
        async with toolbox(http(f"http://localhost:{port}/x"), egress=allowed) as tools:
            assert (await tools.call("t", {}, CONTEXT))["path"] == "/x"


async def test_redirects_are_not_followed_and_answers_bounded() -> None:
    async with serving(("POST", "/away", away), ("POST", "/large", large)) as url:
        async with toolbox(http(f"{url}/away"), egress=PERMISSIVE) as tools:
            with pytest.raises(ToolFailed, match="redirects aren't followed"):
                await tools.call("t", {}, CONTEXT)
        async with toolbox(http(f"{url}/large", answer_bytes_max=100_000)) as tools:
            with pytest.raises(ToolFailed, match="larger than 100000"):
                await tools.call("t", {}, CONTEXT)


async def test_an_answer_is_held_against_its_schema() -> None:
    returns = {"type": "object", "required": ["total"]}
    async with (
        serving(("POST", "/x", echo)) as url,
        toolbox(http(f"{url}/x", returns=returns)) as tools,
    ):
        with pytest.raises(ToolFailed, match="total"):
            await tools.call("t", {}, CONTEXT)


async def test_operations_of_a_document_are_tools(tmp_path: Path) -> None:
    item = {"type": "object", "properties": {"name": {"$ref": "#/components/schemas/Name"}}}
    document = {
        "openapi": "3.1.0",
        "paths": {
            "/pets/{pet}": {
                "parameters": [
                    {"name": "pet", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "get": {
                    "operationId": "getPet",
                    "summary": "Get a pet",
                    "parameters": [{"name": "deep", "in": "query", "schema": {"type": "boolean"}}],
                },
                "put": {
                    "operationId": "putPet",
                    "requestBody": {
                        "content": {"application/json": {"schema": {**item, "required": ["name"]}}}
                    },
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"type": "object"}}}}
                    },
                },
                "delete": {"operationId": "deletePet"},
            }
        },
        "components": {"schemas": {"Name": {"type": "string"}}},
    }
    file = tmp_path / "pets.json"
    file.write_bytes(msgspec.json.encode(document))
    async with serving(("*", "/{all:.*}", echo)) as url:
        openapi = {"document": str(file), "server": url, "operations": ["getPet", "putPet"]}
        async with toolbox({"name": "pets", "openapi": openapi}) as tools:
            [offered] = await tools.offered("acme")
            got = await tools.call("pets__getPet", {"pet": "Rex", "deep": True}, CONTEXT)
            put = await tools.call("pets__putPet", {"pet": "Rex", "name": "Max"}, CONTEXT)
            with pytest.raises(InvalidRequest, match="name"):
                await tools.call("pets__putPet", {"pet": "Rex"}, CONTEXT)
    assert [one.name for one in offered.specs] == ["pets__getPet", "pets__putPet"]
    assert offered.specs[1].parameters["properties"]["name"] == {"type": "string"}
    assert got["path"] == "/pets/Rex?deep=true"
    assert (put["path"], put["body"]) == ("/pets/Rex", {"name": "Max"})


async def test_references_that_double_are_cut(tmp_path: Path) -> None:
    schemas: dict[str, Any] = {
        f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n + 1}"}] * 2} for n in range(40)
    }
    schemas["S40"] = {"type": "object"}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}
    operation = {"operationId": "bomb", "requestBody": {"content": content}}
    document = {
        "openapi": "3.0.0",
        "paths": {"/x": {"post": operation}},
        "components": {"schemas": schemas},
    }
    file = tmp_path / "bomb.json"
    file.write_bytes(msgspec.json.encode(document))
    openapi = {"document": str(file), "server": "http://127.0.0.1:9"}
    async with toolbox({"name": "b", "openapi": openapi}) as tools:
        [offered] = await tools.offered("acme")
    assert "more than" in offered.problem

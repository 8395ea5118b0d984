"""Which texts of a request are looked at, as whose, and how they are replaced."""

import json
from base64 import b64encode
from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.core.guarding import Place
from legato.guardrails.pieces import looked_into, pieces, token_ids
from legato.guardrails.replacing import replaced

PICTURE = "data:image/png;base64," + b64encode(bytes(range(200))).decode()


def texts(body: dict[str, Any]) -> dict[str, str]:
    return {piece.where: piece.text[piece.lead :] for piece in pieces(body)}


def places(body: dict[str, Any]) -> dict[str, Place]:
    return {piece.text: piece.place for piece in pieces(body)}


CHAT: dict[str, Any] = {
    "model": "team/gpt@2024",
    "user": "jane@example.org",
    "stop": ["Yours, Jane"],
    "metadata": {"id": "j@example.org", "note": "n", "ann@example.org": "x"},
    "messages": [
        {"role": "system", "content": "Be kind."},
        {
            "role": "user",
            "name": "jane_doe",
            "content": [
                {"type": "text", "text": "Who is it?"},
                {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://x.test/?m=a@example.org"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {
                        "name": "find",
                        "arguments": '{"to": ["b@example.org"], "card": 4111111111111111}',
                    },
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "found her"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "find",
                "description": "Finds Jane",
                "parameters": {
                    "type": "object",
                    "required": ["to"],
                    "properties": {
                        "to": {"type": "string", "description": "to whom", "enum": ["Bob"]},
                        "c@example.org": {"type": "string", "format": "email"},
                    },
                },
            },
        }
    ],
}


def test_every_text_of_a_chat_is_a_piece_and_what_names_things_is_not() -> None:
    assert texts(CHAT) == {
        "/user": "jane@example.org",
        "/stop/0": "Yours, Jane",
        "/metadata/id#": "id",
        "/metadata/id": "j@example.org",
        "/metadata/note#": "note",
        "/metadata/note": "n",
        "/metadata/ann@example.org#": "ann@example.org",
        "/metadata/ann@example.org": "x",
        "/messages/0/content": "Be kind.",
        "/messages/1/name": "jane_doe",
        "/messages/1/content/0/text": "Who is it?",
        "/messages/1/content/2/image_url/url": "https://x.test/?m=a@example.org",
        "/messages/2/tool_calls/0/function/arguments/to#": "to",
        "/messages/2/tool_calls/0/function/arguments/to/0": "b@example.org",
        "/messages/2/tool_calls/0/function/arguments/card#": "card",
        "/messages/2/tool_calls/0/function/arguments/card": "4111111111111111",
        "/messages/3/content": "found her",
        "/tools/0/function/description": "Finds Jane",
        "/tools/0/function/parameters/properties/to/description": "to whom",
        "/tools/0/function/parameters/properties/to/enum/0": "Bob",
        "/tools/0/function/parameters/properties/c@example.org#": "c@example.org",
    }


def test_messages_of_anthropic_have_all_their_texts() -> None:
    body = {
        "model": "claude",
        "system": [{"type": "text", "text": "sys", "cache_control": {"type": "ephemeral"}}],
        "metadata": {"user_id": "jane"},
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "title": "T",
                        "source": {"type": "text", "media_type": "text/plain", "data": "D" * 90},
                    },
                    {
                        "type": "image",
                        "source": {"type": "base64", "data": "iVBORw0KGgo" + "A" * 85},
                    },
                    {"type": "image", "source": {"type": "url", "url": "https://x.test/jane.png"}},
                    {"type": "search_result", "source": "s", "content": [{"text": "hit"}]},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "A" * 90},
                    {"type": "tool_use", "id": "t1", "name": "f", "input": {"type": "Jane"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": [{"type": "text", "text": "gave"}],
                    }
                ],
            },
        ],
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
    }
    found = places(body)
    assert found == {
        "sys": Place.INPUT,
        "user_id": Place.INPUT,
        "jane": Place.INPUT,
        "T": Place.DOCUMENT,
        "D" * 90: Place.DOCUMENT,
        "https://x.test/jane.png": Place.INPUT,
        "s": Place.DOCUMENT,
        "hit": Place.DOCUMENT,
        "hm": Place.INPUT,
        "type": Place.INPUT,
        "Jane": Place.INPUT,
        "gave": Place.TOOL_RESULT,
        "d": Place.INPUT,
    }


def test_responses_have_all_their_texts() -> None:
    body = {
        "model": "m",
        "instructions": "ins",
        "previous_response_id": "resp_1",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":"v"}'},
            {"type": "function_call_output", "call_id": "c", "output": "out"},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "sum"}]},
            {"type": "input_file", "filename": "jane.txt", "file_data": PICTURE},
        ],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"title": "ti tle"}}},
    }
    assert places(body) == {
        "ins": Place.INPUT,
        "q": Place.INPUT,
        "a": Place.INPUT,
        "v": Place.INPUT,
        "out": Place.TOOL_RESULT,
        "sum": Place.INPUT,
        "jane.txt": Place.DOCUMENT,
        "ti tle": Place.INPUT,
    }
    assert places({"model": "m", "input": "just text"}) == {"just text": Place.INPUT}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": ["one", "two"], "suffix": "end"}, ["one", "two", "end"]),
        ({"input": ["one", "two"], "dimensions": 3}, ["one", "two"]),
        ({"input": [[1, 2], [3]]}, []),
        ({"input": "said", "voice": "alloy", "instructions": "softly"}, ["said", "softly"]),
        ({"prompt": "a cat", "size": "1x1", "n": 1}, ["a cat"]),
        ({"input": [{"type": "text", "text": "bad"}]}, ["bad"]),
        ({"query": "q", "documents": ["a", {"text": "b"}]}, ["q", "a", "text", "b"]),
        ({"unknown": {"deep": ["x"]}, "odd key": 1}, ["x", "odd key"]),
    ],
)
def test_other_surfaces_and_unknown_fields_have_all_their_texts(
    body: dict[str, Any], expected: list[str]
) -> None:
    assert [piece.text for piece in pieces({"model": "m", **body})] == expected


def test_documents_to_rank_are_documents() -> None:
    found = places({"query": "q", "documents": ["a", {"text": "b"}]})
    assert (found["q"], found["a"], found["b"]) == (Place.INPUT, Place.DOCUMENT, Place.DOCUMENT)


def test_an_id_that_is_an_address_is_looked_at() -> None:
    assert texts({"messages": [{"role": "tool", "tool_call_id": "j@example.org"}]}) == {
        "/messages/0/tool_call_id": "j@example.org"
    }


def test_a_data_url_that_is_no_base64_is_looked_at() -> None:
    body = {"messages": [{"content": "data:text/plain;base64,call j@example.org now"}]}
    assert list(texts(body)) == ["/messages/0/content"]


@pytest.mark.parametrize(
    "arguments", ['{"a": "j', '{"a": "x", "a": "y"}', '{"a": "\\ud800"}', "free text", '{"a": NaN}']
)
def test_arguments_that_are_no_strict_json_are_one_text(arguments: str) -> None:
    body = {"input": [{"type": "function_call", "arguments": arguments}]}
    assert texts(body) == {"/input/0/arguments": arguments}


def test_texts_are_replaced_where_they_stood_and_nothing_else_is_changed() -> None:
    before = json.dumps(CHAT)
    changed = replaced(
        CHAT,
        {
            "/metadata/ann@example.org#": "K",
            "/metadata/ann@example.org": "V",
            "/messages/1/content/2/image_url/url": "U",
            "/messages/2/tool_calls/0/function/arguments/to#": "T",
            "/messages/2/tool_calls/0/function/arguments/to/0": 'say "B"',
            "/messages/2/tool_calls/0/function/arguments/card": "C",
        },
    )
    assert json.dumps(CHAT) == before
    assert changed["metadata"] == {"id": "j@example.org", "note": "n", "K": "V"}
    assert changed["messages"][1]["content"][2]["image_url"]["url"] == "U"
    arguments = changed["messages"][2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"T": ['say "B"'], "card": "C"}
    assert changed["tools"] is CHAT["tools"]


def test_awkward_names_are_pointed_at() -> None:
    body = {"metadata": {"a/b~c#": "v", "a/b~c": "w"}}
    found = texts(body)
    assert replaced(body, dict.fromkeys(found, "x") | {where: found[where] for where in found}) == (
        body
    )
    where = next(where for where, text in found.items() if text == "v")
    assert replaced(body, {where: "!"})["metadata"] == {"a/b~c#": "!", "a/b~c": "w"}


def test_a_pointer_to_nothing_is_refused() -> None:
    with pytest.raises(KeyError):
        replaced({"a": {}}, {"/a/b": "x"})


def test_a_body_too_deep_to_walk_is_refused() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(InvalidRequest):
        pieces({"metadata": deep})


@pytest.mark.parametrize(
    "hidden",
    [
        {"messages": [{"role": "user", "content": "x", "model": "Jane Doe"}]},
        {"messages": [{"role": "user", "content": "data:;base64,\nJane\nDoe"}]},
        {"input": ["data:;base64," + "Jane" * 20]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "data:x;base64,Jane"}]}
            ]
        },
        {"messages": [{"content": [{"type": "thing", "data": "A" * 70 + "\nJane\nDoe"}]}]},
        {"metadata": {"note": "data:;base64,Jane"}},
        {"customer_id": "Jane"},
        {"messages": [{"content": [{"type": "text", "text": "", "id": "4111-1111-1111-1111"}]}]},
        {"audio": {"voice": "219-09-1234"}},
        {"metadata": {"card": 4111111111111111.0}},
    ],
)
def test_nothing_hides_as_what_it_is_not(hidden: dict[str, Any]) -> None:
    found = list(texts(hidden).values())
    assert any(mark in one for one in found for mark in ("Jane", "4111", "219-09-1234")), found


def test_files_stay_files_in_lines_as_well() -> None:
    lines = "\r\n".join(["JVBERi0x" + "gIGC" * 17, *["gIGC" * 19] * 3, "gIE="])
    body = {
        "input": [{"type": "input_file", "file_data": f"data:application/pdf;base64,{lines}"}],
        "images": [PICTURE],
        "source": {"type": "base64", "data": lines},
        "metadata": {"huge": 1e999, "x": "data:" + "b" * 99},
    }
    assert set(texts(body)) == {"/metadata/huge#", "/metadata/x#", "/metadata/x"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"input": [42, 4242]}, "input"),
        ({"input": ["text", [42]]}, "input"),
        ({"prompt": [[42], [7]]}, "prompt"),
        ({"prompt": ["a", "b"], "input": [{"role": "user"}]}, ""),
        ({"prompt": {"id": 3}}, ""),
    ],
)
def test_ids_of_tokens_are_told_apart(body: dict[str, Any], field: str) -> None:
    assert token_ids(body) == field


def names(body: dict[str, Any]) -> dict[str, str]:
    return {piece.where: piece.text for piece in looked_into(body).names}


def test_names_and_ids_that_callers_choose_are_looked_into_and_fixed() -> None:
    """The dialects' own words aren't: nobody hides in them."""
    assert names(CHAT) == {
        "/messages/2/tool_calls/0/id": "call_1",
        "/messages/2/tool_calls/0/function/name": "find",
        "/messages/3/tool_call_id": "call_1",
    }
    body = {
        "kestrel": {"osprey": [{"merlin": 1}]},
        "tool_choice": {"type": "function", "function": {"name": "hobby"}},
        "service_tier": "falcon",
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "buzzard",
                    "parameters": {
                        "type": "harrier",
                        "required": ["kite"],
                        "properties": {"kite": {"type": "string", "enum": ["eagle"]}},
                    },
                },
            }
        ],
    }
    told = set(names(body).values())
    assert told >= {"kestrel", "osprey", "merlin", "hobby", "falcon", "buzzard", "harrier", "kite"}
    assert not told & {"function", "tools", "parameters", "string", "enum"}
    assert all(one.fixed and one.token for one in looked_into(body).names)


def test_numbers_are_looked_into_everywhere_with_the_name_of_their_field() -> None:
    body = {
        "accountNumber": 4111111111111111,
        "odd": {"ssn": [536904399], "small": 12, "ok": True, "share": 0.5},
        "metadata": {"home_phone": "415 867 5309"},
        "tools": [{"function": {"parameters": {"minimum": 4111111111111111}}}],
    }
    found = {piece.where: (piece.text, piece.lead) for piece in pieces(body)}
    assert found["/accountNumber"] == ("account Number: 4111111111111111", 16)
    assert found["/odd/ssn/0"] == ("ssn: 536904399", 5)
    assert found["/metadata/home_phone"] == ("home phone: 415 867 5309", 12)
    assert found["/tools/0/function/parameters/minimum"] == ("4111111111111111", 0)
    assert {"/odd/small", "/odd/ok", "/odd/share"}.isdisjoint(found)


def test_text_in_base64_is_looked_into_and_fixed() -> None:
    text = "Dear Jane, write to jo@example.com. Grüße! " * 9
    encoded = b64encode(text.encode()).decode()
    for head in ("", "data:text/plain;base64,", "data:image/png;base64,"):
        part = {"type": "file", "file": {"file_data": head + encoded}}
        (piece,) = pieces({"messages": [{"role": "user", "content": [part]}]})
        assert (piece.text, piece.fixed, piece.token) == (text, True, False)


def test_what_only_looks_like_base64_is_a_text() -> None:
    row = "_".join(["4111111111111111"] * 400)
    assert texts({"metadata": {"n": row}})["/metadata/n"] == row
    assert texts({"odd": {"data": row}})["/odd/data"] == row


@pytest.mark.parametrize("name", ["prompt_token_ids", "input_ids", "prompt_embeds"])
def test_other_ways_to_send_no_text_are_told(name: str) -> None:
    assert token_ids({"prompt": "", name: [1, 2]}) == name


@pytest.mark.parametrize("size", [400, 90_000])
@pytest.mark.parametrize("code", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
def test_what_can_be_read_of_a_file_of_no_known_kind_is_looked_into(size: int, code: str) -> None:
    noise = bytes(range(128, 256)) * (size // 128)
    words = "write to jo@example.com"
    data = b64encode(noise + words.encode(code) + noise).decode()
    found = pieces({"source": {"type": "base64", "data": data}})
    assert found[0].fixed
    assert words in found[0].text
    assert len(found[0].text) < 100
    assert len(found) == (1 if size > 65_536 else 2), "a short one may be a key as well"
    known = "iVBORw0KGgo" + data[11:]
    assert not pieces({"source": {"type": "base64", "data": known}})

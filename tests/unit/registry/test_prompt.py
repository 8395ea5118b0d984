from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.chat import Image, Message, OutputFormat, Role, Text
from legato.core.errors import InvalidRequest
from legato.registry.checking import check_prompt
from legato.registry.prompt import CompiledPrompt, compile_prompt, read_prompt


def compiled(*messages: dict[str, Any], **content: Any) -> CompiledPrompt:
    whole = {"messages": list(messages), "route": "chat", **content}
    check_prompt(whole)
    return compile_prompt(read_prompt(whole), "house/reply")


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def system(content: str) -> dict[str, Any]:
    return {"role": "system", "content": content}


TEXT = {"type": "string"}


def test_a_prompt_renders_to_a_request() -> None:
    prompt = compiled(
        system("For {{company}}."),
        user("{{question}}"),
        {"role": "assistant", "content": "Hm."},
        variables={"company": {"type": "string", "default": "Acme"}, "question": TEXT},
        parameters={"temperature": 0.2, "max_tokens": 30, "stop": "END", "seed": 0},
        output_schema={"type": "object"},
    )
    chat = prompt.render({"question": "{{company}}?"})
    assert chat.system == (Text("For Acme."),)
    assert chat.messages == (
        Message(Role.USER, (Text("{{company}}?"),)),
        Message(Role.ASSISTANT, (Text("Hm."),)),
    )
    assert (chat.temperature, chat.max_output_tokens) == (0.2, 30)
    assert (chat.stop, chat.seed, chat.top_p) == (("END",), 0, None)
    assert chat.output_format == OutputFormat({"type": "object"}, "house_reply")
    assert prompt.route == "chat"


def test_images_are_links_or_their_data() -> None:
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "{{picture}}", "detail": "low"}},
    ]
    prompt = compiled(user(parts), variables={"picture": {**TEXT, "required": False}})
    (linked,) = prompt.render({"picture": "https://example.com/a.png"}).messages
    assert linked.parts[1] == Image("https://example.com/a.png", detail="low")
    (inline,) = prompt.render({"picture": "data:image/png;base64,AAAA"}).messages
    assert inline.parts[1] == Image(None, "image/png", "AAAA", "low")
    (without,) = prompt.render({}).messages
    assert without.parts == (Text("What is it?"),)
    with pytest.raises(InvalidRequest, match="picture must make an http") as refused:
        prompt.render({"picture": "ftp://example.com/passwd"})
    assert "passwd" not in refused.value.message


def test_what_renders_to_nothing_is_left_out() -> None:
    prompt = compiled(
        system("{{#extra}}Also: {{extra}}{{/extra}} "),
        user("{{question}}"),
        variables={"extra": {**TEXT, "required": False}, "question": TEXT},
    )
    chat = prompt.render({"question": "\n"})
    assert (chat.system, chat.messages) == ((), ())


def test_all_templates_of_a_prompt_share_its_bounds() -> None:
    prompt = compiled(user("{{a}}"), user("{{a}}"), variables={"a": TEXT})
    assert len(prompt.render({"a": "x" * 1_000_000}).messages) == 2
    with pytest.raises(InvalidRequest, match="too long"):
        prompt.render({"a": "x" * 1_000_001})


@given(st.text())
def test_what_a_caller_sends_is_never_read_as_a_template(value: str) -> None:
    prompt = compiled(user("<{{a}}>"), variables={"a": TEXT})
    assert prompt.render({"a": value}).messages[0].parts == (Text(f"<{value}>"),)

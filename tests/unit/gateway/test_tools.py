"""Names of tools in every form in which callers declare them."""

from typing import Any

import pytest

from legato.gateway.tools import tool_names


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ({"type": "function", "function": {"name": "weather"}}, ["weather"]),
        ({"type": "custom", "custom": {"name": "shell"}}, ["shell"]),
        ({"type": "function", "name": "weather"}, ["weather"]),
        ({"name": "weather", "input_schema": {}}, ["weather"]),
        ({"type": "web_search_20250305", "name": "web_search"}, ["web_search"]),
        ({"type": "web_search"}, ["web_search"]),
        ({"type": "mcp", "server_label": "maps", "server_url": "https://x"}, ["mcp:maps"]),
        ({"type": "url", "url": "https://x", "name": "maps"}, ["mcp:maps"]),
        ("auto", []),
        ({}, []),
    ],
)
def test_a_tool_has_the_name_that_rules_know_it_by(tool: Any, names: list[str]) -> None:
    assert list(tool_names(tool)) == names

"""What conditions of rules can ask about a request. Each is cheap and computed only where named.

None of them is the text itself: what a rule was decided by is recorded with the request.
"""

from types import MappingProxyType
from typing import Final

import msgspec

Value = str | int | bool | dict[str, str]
Values = dict[str, Value]


class Feature(msgspec.Struct, frozen=True):
    """A variable of conditions: what it means, and a value of its type."""

    meaning: str
    sample: Value


FEATURES: Final = MappingProxyType(
    {
        "surface": Feature("the endpoint's name as in `legato endpoints`", "chat_completions"),
        "operation": Feature("chat, completions, embeddings, rerank and so on", "chat"),
        "stream": Feature("whether the answer is to be streamed", sample=False),
        "messages": Feature("how many messages it has", 1),
        "characters": Feature("characters of its text, system texts among them", 100),
        "input_tokens": Feature("an estimate: bytes of its text in UTF-8, by four", 25),
        "max_output_tokens": Feature("the bound it asks for, 0 for none", 0),
        "has_tools": Feature("whether it brings tools", sample=False),
        "has_images": Feature("whether it brings images", sample=False),
        "wants_json": Feature("whether it asks for JSON or a schema", sample=False),
        "language": Feature("of its last user message, guessed: en, de, ja; und if unclear", "en"),
        "content": Feature("code, maths, extraction or chat, guessed likewise", "chat"),
        "urgency": Feature("the header `x-legato-urgency` in lower case, empty without it", ""),
        "task": Feature("the header `x-legato-task` in lower case, empty without it", ""),
        "metadata": Feature("the body's `metadata`, by key", {}),
        "org": Feature("the key's organisation", "default"),
        "team": Feature("the key's team", "team"),
        "feature": Feature("the key's feature", "feature"),
        "tags": Feature("the key's tags, by name", {}),
        "hour": Feature("of the day, UTC, 0 to 23", 12),
        "weekday": Feature("UTC, 1 for Monday to 7 for Sunday", 1),
    }
)
MAPS: Final = ("metadata", "tags")

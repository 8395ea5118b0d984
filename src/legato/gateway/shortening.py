"""What a policy leaves out of a conversation: passages that stand in it already, its oldest turns.

Pure functions of message lists, as OpenAI's and Anthropic's dialects have them; nothing that was
given is changed. A turn reaches from a question of the user to the next, so that a call of a tool
never loses its result.
"""

from collections.abc import Callable, Iterable
from typing import Any

Message = dict[str, Any]

PASSAGE_CHARS_MIN = 200
"""A shorter repetition may be meant: it is left alone."""
LEFT_OUT = "[repeated passage left out; it stands above]"
_OWN_WORDS = frozenset({"system", "developer"})
_READ = frozenset({"user", "tool", "system", "developer"})


def without_repeated(messages: list[Message]) -> tuple[list[Message], int]:
    """Leave out passages, text between blank lines, that stand further up already.

    What the model itself said stays as it is. Returns the messages and how many characters went.
    """
    seen: set[str] = set()
    removed = 0

    def shortened(text: str) -> str:
        nonlocal removed
        parts = text.split("\n\n")
        kept = []
        for part in parts:
            plain = " ".join(part.split()) if len(part) >= PASSAGE_CHARS_MIN else ""
            if plain and plain in seen:
                kept.append(LEFT_OUT)
                continue
            if plain:
                seen.add(plain)
            kept.append(part)
        told = "\n\n".join(kept)
        removed += len(text) - len(told)
        return told

    found = [
        _with_texts(message, shortened) if message.get("role") in _READ else message
        for message in messages
    ]
    return (found, removed) if removed else (messages, 0)


def newest_turns(
    messages: list[Message], chars_max: int, chars_beside: int
) -> tuple[list[Message], list[Message]]:
    """Leave out the oldest turns until the rest fits, the newest one at least stays.

    `chars_beside` are those of what stands beside the messages: tools, a system prompt. The
    application's own words at the start stay. Returns what is kept and what went.
    """
    start = 0
    while start < len(messages) and messages[start].get("role") in _OWN_WORDS:
        start += 1
    head, turns = messages[:start], _turns(messages[start:])
    size = chars_beside + chars_of(head) + sum(map(chars_of, turns))
    first = 0
    while size > chars_max and first < len(turns) - 1:
        size -= chars_of(turns[first])
        first += 1
    if not first:
        return messages, []
    gone = [message for turn in turns[:first] for message in turn]
    return [*head, *(message for turn in turns[first:] for message in turn)], gone


def summary_cuts(
    messages: list[Message], chars_max: int, chars_beside: int
) -> tuple[list[Message], list[list[Message]], list[Message]]:
    """Cut the oldest turns off in large pieces, so that as a conversation grows cuts stay.

    Whenever it outgrew `chars_max`, its oldest turns went until half of that was left; the newest
    turn stays. Returns the application's own words at the start, the pieces that went, oldest
    first, and what stays.
    """
    start = 0
    while start < len(messages) and messages[start].get("role") in _OWN_WORDS:
        start += 1
    head, turns = messages[:start], _turns(messages[start:])
    sizes = [chars_of(turn) for turn in turns]
    beside = chars_beside + chars_of(head)
    pieces: list[list[Message]] = []
    first, size = 0, beside
    for last, added in enumerate(sizes):
        size += added
        if size <= chars_max:
            continue
        began = first
        while first < last and size > beside + (chars_max - beside) // 2:
            size -= sizes[first]
            first += 1
        if first > began:
            pieces.append([message for turn in turns[began:first] for message in turn])
    return head, pieces, [message for turn in turns[first:] for message in turn]


def transcript(messages: Iterable[Message]) -> str:
    """Return what was said in words, a line for each message."""
    lines = []
    for message in messages:
        words = " ".join(_words(message.get("content")))
        if words:
            lines.append(f"{message.get('role')}: {words}")
    return "\n".join(lines)


def _words(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        return []
    found = []
    for part in content:
        if isinstance(part, dict):
            found += _words(part.get("text", part.get("content")))
    return found


def chars_of(value: Any) -> int:
    """Count the characters of all text in a value; pictures and files in base64 aren't text."""
    size = 0
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            size += 0 if one.startswith("data:") else len(one)
        elif isinstance(one, dict):
            if one.get("type") != "base64":
                waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return size


def _turns(messages: Iterable[Message]) -> list[list[Message]]:
    turns: list[list[Message]] = []
    for message in messages:
        if not turns or _asks(message):
            turns.append([])
        turns[-1].append(message)
    return turns


def _asks(message: Message) -> bool:
    """Whether a turn begins here: results of tools come from the user, too, in one dialect."""
    if message.get("role") != "user":
        return False
    content = message.get("content")
    return not isinstance(content, list) or not any(
        isinstance(part, dict) and part.get("type") == "tool_result" for part in content
    )


def _with_texts(message: Message, change: Callable[[str], str]) -> Message:
    content = message.get("content")
    changed = _changed(content, change)
    return message if changed is content else {**message, "content": changed}


def _changed(content: Any, change: Callable[[str], str]) -> Any:
    """Change the texts of a message's content, those within results of tools, too."""
    if isinstance(content, str):
        told = change(content)
        return content if told == content else told
    if not isinstance(content, list):
        return content
    parts = [_changed_part(part, change) for part in content]
    return content if all(a is b for a, b in zip(content, parts, strict=True)) else parts


def _changed_part(part: Any, change: Callable[[str], str]) -> Any:
    if not isinstance(part, dict):
        return part
    field = {"text": "text", "tool_result": "content"}.get(str(part.get("type")))
    if field is None or field not in part:
        return part
    changed = _changed(part[field], change)
    return part if changed is part[field] else {**part, field: changed}

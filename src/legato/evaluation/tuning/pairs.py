"""Pairs of question and answer, read from the cases of a data set."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from legato.core.chat import ChatRequest, Role, Text
from legato.evaluation.scoring import Case

_INSTRUCTIONS: Final = frozenset({"system", "developer"})
_SPEAKERS: Final = frozenset({"user", "assistant"})
Render = Callable[[Mapping[str, Any]], ChatRequest]
"""Puts a case's variables into a prompt. Raises InvalidRequest."""


class Unfit(Exception):
    """A case that can't be learnt from as text; the reason is the same for all such cases."""


class Said(msgspec.Struct, frozen=True):
    """One text of a conversation; `role` is `user` or `assistant`."""

    role: str
    text: str


class Pair(msgspec.Struct, frozen=True):
    """A conversation up to a user's words, and what the student is to answer."""

    id: str
    system: str
    turns: tuple[Said, ...]
    answer: str


def pair_of(case: Case, render: Render | None = None) -> Pair:
    """Read a case; where it holds a prompt's variables, `render` puts them into the prompt.

    Raises:
        Unfit: it has no answer, or holds what is no text.
        InvalidRequest: the prompt refuses its variables.
    """
    system, turns = _rendered(case, render)
    for message in case.messages:
        role, text = message.get("role"), _text(message)
        if role in _INSTRUCTIONS:
            system.append(text)
        elif role in _SPEAKERS:
            turns.append(Said(str(role), text))
        else:
            raise Unfit("holds tool calls or their results")
    joined = _joined(turns)
    if not joined or joined[-1].role != "user":
        raise Unfit("doesn't end with a user's words")
    return Pair(case.id, "\n\n".join(system), joined, _answer(case))


def _rendered(case: Case, render: Render | None) -> tuple[list[str], list[Said]]:
    if render is None:
        if case.variables:
            raise Unfit("holds variables: name the prompt they are of")
        return [], []
    chat = render(case.variables)
    system = [part.text for part in chat.system]
    turns = []
    for message in chat.messages:
        texts = [part.text for part in message.parts if isinstance(part, Text)]
        if len(texts) != len(message.parts):
            raise Unfit("holds images, sounds or documents")
        turns.append(Said("user" if message.role is Role.USER else "assistant", "".join(texts)))
    return system, turns


def _text(message: Mapping[str, Any]) -> str:
    if message.get("tool_calls") or message.get("function_call"):
        raise Unfit("holds tool calls or their results")
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise Unfit("holds images, sounds or documents")
    return "".join(str(text) for text in texts)


def _joined(turns: list[Said]) -> tuple[Said, ...]:
    """Join what one speaker says in a row: some vendors want speakers to alternate."""
    joined: list[Said] = []
    for said in turns:
        if joined and joined[-1].role == said.role:
            joined[-1] = Said(said.role, f"{joined[-1].text}\n\n{said.text}")
        else:
            joined.append(said)
    return tuple(joined)


def _answer(case: Case) -> str:
    expected = case.expected
    if expected is None or expected == "":
        raise Unfit("has no answer (`expected`)")
    return expected if isinstance(expected, str) else msgspec.json.encode(expected).decode()

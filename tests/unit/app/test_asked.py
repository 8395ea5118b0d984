from __future__ import annotations

import pytest

from legato.app.asked import asked
from legato.core.errors import InvalidRequest


def test_every_dialect_of_a_chat_is_told_as_messages() -> None:
    told = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"})
    assert asked("chat_completions", {"model": "m", "messages": list(told)}) == told
    body = {"model": "m", "system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]}
    assert asked("messages", body) == told
    assert asked("responses", {"model": "m", "instructions": "Be brief.", "input": "Hi"}) == told
    assert asked("completions", {"model": "m", "prompt": "Hi"}) == told[1:]


def test_what_is_no_chat_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="embeddings is no chat"):
        asked("embeddings", {"model": "m", "input": "Hi"})

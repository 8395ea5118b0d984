from typing import TYPE_CHECKING

from legato.api.anthropic.count_tokens import CountTokens
from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.embeddings import Embeddings
from legato.api.openai.responses.input_tokens import InputTokens
from legato.api.openai.responses.surface import Responses
from legato.core.clock import ManualClock
from legato.core.ids import IdSource

if TYPE_CHECKING:
    from legato.core.wire import Surface


def test_each_surface_keeps_the_contract() -> None:
    surfaces: list[Surface] = [
        ChatCompletions(ManualClock()),
        Embeddings(),
        Messages(),
        CountTokens(),
        Responses(ManualClock(), IdSource(ManualClock())),
        InputTokens(ManualClock(), IdSource(ManualClock())),
    ]
    assert len({surface.name for surface in surfaces}) == len(surfaces)

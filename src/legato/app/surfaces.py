"""Which surfaces a worker serves: paths, and the pipeline behind each."""

from typing import TYPE_CHECKING

from legato.api.anthropic.count_tokens import CountTokens
from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.completions import Completions
from legato.api.openai.embeddings import Embeddings
from legato.api.openai.images import ImageEdits, Images
from legato.api.openai.moderations import Moderations
from legato.api.openai.rerank import Rerank
from legato.api.openai.responses.input_tokens import InputTokens
from legato.api.openai.responses.surface import Responses
from legato.api.openai.speech import Speech
from legato.api.openai.transcriptions import Transcriptions
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.gateway.pipeline import Assembly, Pipeline
from legato.gateway.relay import Relay

if TYPE_CHECKING:
    from legato.core.wire import Surface


def surfaces_of(
    pipelines: tuple[Pipeline, Relay], clock: Clock, ids: IdSource, *, keeps: bool
) -> dict[str, Assembly]:
    """Return them, assembled; `keeps` tells whether responses may be kept."""
    pipeline, relay = pipelines
    rerank = Rerank()
    surfaces: dict[str, Surface] = {
        "/v1/chat/completions": ChatCompletions(clock),
        "/v1/embeddings": Embeddings(),
        "/v1/responses": Responses(clock, ids, keeps=keeps),
        "/v1/responses/input_tokens": InputTokens(clock, ids),
        "/v1/messages": Messages(),
        "/v1/messages/count_tokens": CountTokens(),
        "/v1/completions": Completions(),
        "/v1/moderations": Moderations(),
        "/v1/rerank": rerank,
        "/v2/rerank": rerank,
    }
    relayed: dict[str, Surface] = {
        "/v1/images/generations": Images(),
        "/v1/images/edits": ImageEdits(),
        "/v1/audio/speech": Speech(),
        "/v1/audio/transcriptions": Transcriptions(),
        "/v1/audio/translations": Transcriptions(translation=True),
    }
    assembled = {path: pipeline.assemble(surface) for path, surface in surfaces.items()}
    return assembled | {path: relay.assemble(surface) for path, surface in relayed.items()}

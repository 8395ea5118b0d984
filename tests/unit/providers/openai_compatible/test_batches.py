"""What of OpenAI's batches needs no server to be told."""

from __future__ import annotations

import pytest

from legato.core.config import Provider as ProviderConfig
from legato.core.errors import ProviderUnavailable
from legato.providers.base import ProviderSettings
from legato.providers.batching import Batcher, BatchReply, batcher_of
from legato.providers.openai_compatible import factory


def batcher(preset: str) -> Batcher | None:
    config = ProviderConfig(name="p", kind="openai_compatible", preset=preset)
    return batcher_of(factory(ProviderSettings(config, "", "sk-1")))


@pytest.mark.parametrize("status", [200, 400, 404, 405, 409])
def test_a_batch_that_can_not_be_cancelled_runs_to_its_end(status: int) -> None:
    """A vendor without cancellation must not make it look as if the batch were lost."""
    known = batcher("groq")
    assert known is not None
    known.cancel(lambda _: BatchReply(status, [], b"{}"), "batch_1")


def test_a_vendor_that_is_away_is_asked_again() -> None:
    known = batcher("openai")
    assert known is not None
    with pytest.raises(ProviderUnavailable):
        known.cancel(lambda _: BatchReply(503, [], b"{}"), "batch_1")


@pytest.mark.parametrize("preset", ["together", "mistral", "fireworks", "vllm", "ollama"])
def test_other_forms_of_batches_are_not_taken_for_it(preset: str) -> None:
    assert batcher(preset) is None

from math import log

import msgspec
import pytest
from tests.unit.workflows.nodes.memory_step import MemoryStep, ScriptedModels

from legato.core.errors import InvalidRequest, OutputInvalid
from legato.flow.definition import Below, Choice, Classify, Confidence
from legato.workflows.nodes.classify import ClassifyKind
from legato.workflows.nodes.models import Reply, Token

CHOICES = (Choice(port="refund", description="money back"), Choice(port="other"))
NODE = Classify(id="c", model="m", text="${input}", choices=CHOICES)
SURE = Confidence(at_least=0.8, below=(Below(port="other"),))


def said(letter: str, confidence: float = 0.9) -> str:
    return msgspec.json.encode(
        {"reason": "asks for money", "label": letter, "confidence": confidence}
    ).decode()


async def test_the_port_is_the_choice_and_the_stated_confidence_says_that_it_is() -> None:
    outcome = await ClassifyKind(ScriptedModels(said("A", 0.7)))(NODE, MemoryStep({"input": "!"}))
    assert (outcome.port, outcome.confidence) == ("refund", 0.7)
    assert outcome.output == {"label": "refund", "confidence": 0.7, "reason": "asks for money"}
    assert outcome.lineage["confidence_by"] == "stated"


async def test_probabilities_of_tokens_are_the_confidence_where_there_are_some() -> None:
    text = said("A", 1.0)
    before, after = text.split('"A"')
    tops = {"A": log(0.6), '"B': log(0.2), "the": log(0.1), "?": log(0.05)}
    tokens = (Token(before + '"'), Token("A", tops), Token('"' + after))
    models = ScriptedModels(Reply(text=text, tokens=tokens))
    outcome = await ClassifyKind(models)(NODE, MemoryStep({"input": "!"}))
    assert outcome.confidence == pytest.approx(0.6 / 0.85)
    assert outcome.lineage["confidence_by"] == "logprobs"


async def test_without_them_several_answers_are_compared_where_a_threshold_hangs_on_it() -> None:
    models = ScriptedModels(said("A"), said("B"), said("A"), said("A"), "no JSON")
    node = msgspec.structs.replace(NODE, confidence=SURE)
    outcome = await ClassifyKind(models)(node, MemoryStep({"input": "!"}))
    assert (outcome.port, outcome.confidence) == ("refund", 0.6)
    assert outcome.lineage["confidence_by"] == "self_consistency"
    assert models.asked[1]["temperature"] > 0


async def test_a_provider_that_has_no_probabilities_is_asked_without() -> None:
    models = ScriptedModels(InvalidRequest("no", param="logprobs"), said("B"))
    outcome = await ClassifyKind(models)(NODE, MemoryStep({"input": "!"}))
    assert outcome.port == "other"
    assert "logprobs" in models.asked[0]
    assert "logprobs" not in models.asked[1]


async def test_no_choice_ends_at_otherwise_or_fails() -> None:
    with pytest.raises(OutputInvalid, match="otherwise"):
        await ClassifyKind(ScriptedModels(said("?")))(NODE, MemoryStep({"input": "!"}))
    node = msgspec.structs.replace(NODE, otherwise="person")
    outcome = await ClassifyKind(ScriptedModels("nonsense"))(node, MemoryStep({"input": "!"}))
    assert (outcome.port, outcome.confidence) == ("person", 0.0)

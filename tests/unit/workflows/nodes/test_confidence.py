from typing import Any

import pytest
from tests.unit.workflows.nodes.memory_step import MemoryStep, ScriptedModels

from legato.core.errors import InvalidRequest
from legato.flow.definition import Below, Confidence, Prompt
from legato.workflows.nodes.confidence import Believed
from legato.workflows.nodes.contract import RunFacts
from legato.workflows.nodes.prompt import PromptKind

SCHEMA = {"type": "object", "properties": {"sure": {"type": "number"}}}


async def halved(_run: RunFacts, name: str, confidence: float) -> float:
    assert name == "mail"
    return confidence / 2


def node(*below: Below, calibration: str = "") -> Prompt:
    terms = Confidence(at_least=0.8, value="output.sure", below=below, calibration=calibration)
    return Prompt(id="p", model="small", user="${input.q}", output_schema=SCHEMA, confidence=terms)


async def run(models: ScriptedModels, prompt: Prompt, step: MemoryStep | None = None) -> Any:
    at = step or MemoryStep({"input": {"q": "?"}}, path="p")
    return await Believed(PromptKind(models), halved)(prompt, at)


async def test_what_is_sure_enough_is_believed() -> None:
    models = ScriptedModels('{"sure": 0.9}')
    outcome = await run(models, node(Below(model="large")))
    assert (outcome.port, outcome.confidence) == ("done", 0.9)
    assert outcome.lineage["believed"] is True


async def test_below_the_threshold_a_better_model_is_asked_the_same() -> None:
    models = ScriptedModels('{"sure": 0.3}', '{"sure": 0.95}')
    outcome = await run(models, node(Below(model="large"), Below(port="person")))
    assert outcome.output == {"sure": 0.95}
    assert outcome.port == "done"
    assert [one["model"] for one in models.asked] == ["small", "large"]
    assert models.asked[1]["messages"] == models.asked[0]["messages"]
    assert models.keys[1] == "run-1/p/below0/ask"
    assert outcome.lineage["confidences"] == [
        {"model": "small", "confidence": 0.3},
        {"model": "large", "confidence": 0.95},
    ]


async def test_if_no_model_is_sure_it_ends_at_a_port() -> None:
    models = ScriptedModels('{"sure": 0.3}', '{"sure": 0.4}')
    outcome = await run(models, node(Below(model="large"), Below(port="person")))
    assert (outcome.port, outcome.lineage["believed"]) == ("person", False)


async def test_a_calibration_decides_not_what_is_stated() -> None:
    models, step = ScriptedModels('{"sure": 0.9}'), MemoryStep({"input": {"q": "?"}}, path="p")
    outcome = await run(models, node(Below(port="person"), calibration="mail"), step)
    assert (outcome.port, outcome.confidence) == ("person", 0.45)
    again = await run(ScriptedModels(), node(Below(port="person"), calibration="mail"), step)
    assert again == outcome


async def test_a_confidence_that_nothing_says_is_an_error() -> None:
    terms = Confidence(at_least=0.8, below=(Below(port="person"),))
    plain = Prompt(id="p", model="m", user="?", confidence=terms)
    with pytest.raises(InvalidRequest, match=r"confidence\.value"):
        await run(ScriptedModels("hi"), plain)

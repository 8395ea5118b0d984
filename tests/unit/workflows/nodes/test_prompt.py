import msgspec
import pytest
from tests.unit.workflows.nodes.memory_step import MemoryStep, ScriptedModels

from legato.core.errors import OutputInvalid, RateLimited
from legato.flow.definition import Prompt
from legato.workflows.nodes.models import ROUTE, Reply
from legato.workflows.nodes.prompt import PromptKind

SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}


async def test_a_prompt_asks_once_and_a_step_taken_up_again_asks_no_more() -> None:
    models, node = ScriptedModels("Hello Ann"), Prompt(id="hi", model="m", user="Hi ${input.name}")
    step = MemoryStep({"input": {"name": "Ann"}}, path="hi")
    outcome = await PromptKind(models)(node, step)
    again = await PromptKind(models)(node, MemoryStep(recorded=step.recorded, seen=step._seen))
    assert outcome.output == again.output == "Hello Ann"
    assert outcome.lineage["asked"] == ["r1"]
    assert models.asked == [{"model": "m", "messages": [{"role": "user", "content": "Hi Ann"}]}]
    assert models.keys == ["run-1/hi/ask"]


async def test_a_prompt_of_the_registry_gets_its_variables_and_a_route() -> None:
    models = ScriptedModels("ok")
    node = Prompt(id="p", prompt="reply@live", model="cheap", variables={"n": "${input.n}"})
    await PromptKind(models)(node, MemoryStep({"input": {"n": 7}}))
    assert models.asked[0]["model"] == "prompt:reply@live"
    assert models.asked[0]["metadata"] == {"variables": {"n": 7}}
    assert models.asked[0][ROUTE] == "cheap"


async def test_what_breaks_the_schema_is_asked_for_again_with_what_was_wrong() -> None:
    models = ScriptedModels('{"sum": 3}', '```json\n{"total": 3}\n```')
    node = Prompt(id="p", model="m", user="?", output_schema=SCHEMA)
    outcome = await PromptKind(models)(node, MemoryStep())
    assert outcome.output == {"total": 3}
    assert outcome.lineage["asked"] == ["r1", "r2"]
    assert "total" in models.asked[1]["messages"][-1]["content"]


async def test_lineage_tells_of_all_calls_that_went_into_an_answer() -> None:
    first = Reply(request_id="r1", text="no", model="a", guardrails="company/names redact 1")
    second = Reply(
        request_id="r2",
        text='{"total": 3}',
        model="b",
        versions="prompt/sum@1",
        output_checks="checked",
    )
    node = Prompt(id="p", model="m", user="?", output_schema=SCHEMA)
    outcome = await PromptKind(ScriptedModels(first, second))(node, MemoryStep())
    assert outcome.lineage == {
        "asked": ["r1", "r2"],
        "model": "a; b",
        "versions": "prompt/sum@1",
        "guardrails": "company/names redact 1",
        "output_checks": "checked",
    }


@pytest.mark.parametrize("cut", ['{"total": 3', '{"total": "3"}', ""])
async def test_json_that_is_cut_off_or_wrong_is_never_silently_valid(cut: str) -> None:
    node = Prompt(id="p", model="m", user="?", output_schema=SCHEMA)
    with pytest.raises(OutputInvalid):
        await PromptKind(ScriptedModels(cut, cut))(node, MemoryStep())


async def test_a_refusal_is_not_recorded_and_the_next_attempt_asks_under_the_same_key() -> None:
    models = ScriptedModels(RateLimited("too many"), "well")
    node, step = Prompt(id="p", model="m", user="?"), MemoryStep()
    with pytest.raises(RateLimited):
        await PromptKind(models)(node, step)
    assert (await PromptKind(models)(node, step)).output == "well"
    assert models.keys[0] == models.keys[1]


async def test_data_goes_into_a_text_as_json() -> None:
    models = ScriptedModels("ok")
    node = Prompt(id="p", model="m", system="Be brief", user="${input}")
    await PromptKind(models)(node, MemoryStep({"input": {"a": [1]}}))
    content = models.asked[0]["messages"][1]["content"]
    assert msgspec.json.decode(content) == {"a": [1]}

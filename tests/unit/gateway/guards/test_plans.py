"""What policies ask of answers that nothing quick enough for answers can look into."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.core.config_guardrails import GuardPolicy
from legato.core.errors import DetectorFailed
from legato.core.guarding import Place
from legato.gateway.guards.plans import plan_of
from legato.guardrails.outputs.plan import Asked, OutputRun
from legato.guardrails.outputs.schemas import Schemas
from legato.guardrails.policy.compiling import compiled_policy
from legato.guardrails.scanning import structured


def told(text: str, **detect: Any) -> str:
    rule = {"name": "r", "detect": detect, "action": "redact", "on": ["output"]}
    policy = msgspec.convert({"name": "p", "rules": [rule]}, GuardPolicy)
    plan = plan_of(compiled_policy(policy, "p@1"), {"structured": structured()})
    assert plan is not None
    run = OutputRun([plan], Asked(), Schemas(), lambda: 0.0)
    filters = run.filters("text", Place.OUTPUT, answer=True, stream=False)
    for one in filters:
        text = one.feed(text) + one.end()
    return text


@pytest.mark.parametrize(
    "detect",
    [
        {"labels": ["PERSON"]},
        {"detectors": ["names"]},
        {"labels": ["EMAIL_ADDRESS"], "detectors": ["names"]},
        {"labels": ["EMAIL_ADDRESS"], "detectors": ["structured", "names"]},
        {"labels": ["personal", "names"]},
    ],
)
def test_what_cannot_be_asked_of_answers_lets_none_pass(detect: dict[str, Any]) -> None:
    with pytest.raises(DetectorFailed, match="The rule r looks for"):
        told("Anything.", **detect)


@pytest.mark.parametrize(
    "detect",
    [
        {"labels": ["personal"]},
        {"detectors": ["structured"]},
        {"words": {"a": ["jane@example.org"]}},
    ],
)
def test_what_can_be_asked_is_withheld(detect: dict[str, Any]) -> None:
    assert told("Ask jane@example.org.", **detect) == "Ask [withheld]."

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from legato.evaluation.judges import judged
from legato.evaluation.scoring import Reply
from legato.judging.asking import Subject
from legato.judging.judge import Grounding, JudgeSpec, Pairwise

PAIR = JudgeSpec("grader", pairwise=Pairwise("Longer is better."))


class Gateway:
    """Answers each call with the next verdict, or the next error."""

    def __init__(self, *said: Any, cost: int | None = 7) -> None:
        self._said = list(said)
        self._cost = cost
        self.bodies: list[dict[str, Any]] = []

    async def call(self, endpoint: str, body: dict[str, Any]) -> Reply:
        assert endpoint == "/v1/chat/completions"
        self.bodies.append(body)
        said, number = self._said.pop(0), f"r{len(self.bodies)}"
        if isinstance(said, str):
            return Reply(body=None, request_id=number, cost=0, latency_us=1, error=said)
        ticket = re.search(r'"ticket": "(\w+)"', body["messages"][0]["content"])
        assert ticket is not None
        content = json.dumps({"ticket": ticket[1], **said})
        answer = {"choices": [{"message": {"content": content}}]}
        return Reply(body=answer, request_id=number, cost=self._cost, latency_us=1)


async def test_all_calls_of_a_judgement_are_counted() -> None:
    gateway = Gateway({"better": "nobody"}, {"better": "first"}, {"better": "second"})
    found, spent = await judged(PAIR, Subject(answer="a", other="b"), gateway)
    assert (found.score, spent.cost, spent.request_ids) == (1.0, 21, ("r1", "r2", "r3"))


async def test_an_unpriced_call_leaves_the_cost_unknown() -> None:
    gateway = Gateway({"better": "tie"}, {"better": "tie"}, cost=None)
    _, spent = await judged(PAIR, Subject(answer="a", other="b"), gateway)
    assert spent.cost is None


@pytest.mark.parametrize("refusal", ["invalid_request", "provider_rejected"])
async def test_where_a_schema_is_refused_it_is_asked_without(refusal: str) -> None:
    gateway = Gateway(refusal, {"claims": []})
    spec = JudgeSpec("grader", grounding=Grounding())
    found, _ = await judged(spec, Subject(answer="a", context="c"), gateway)
    assert found.score == 1.0
    assert ["response_format" in body for body in gateway.bodies] == [True, False]


async def test_a_judge_that_is_away_leaves_it_unjudged() -> None:
    gateway = Gateway("provider_unavailable")
    found, _ = await judged(PAIR, Subject(answer="a", other="b"), gateway)
    assert (found.score, len(gateway.bodies)) == (None, 1)
    assert "provider_unavailable" in found.problem


async def test_an_answer_in_another_form_is_no_verdict() -> None:
    class Odd(Gateway):
        async def call(self, endpoint: str, body: dict[str, Any]) -> Reply:
            await super().call(endpoint, body)
            return Reply(body={"choices": []}, request_id="", cost=1, latency_us=1)

    found, _ = await judged(PAIR, Subject(answer="a", other="b"), Odd({}, {}))
    assert found.score is None

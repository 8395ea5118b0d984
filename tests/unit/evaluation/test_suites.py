from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.evaluation.suites import read_suite

SUITE = {"dataset": "capitals", "models": ["small"], "scorers": [{"use": "exact"}]}


def test_a_suite_bypasses_the_cache_unless_it_says_otherwise() -> None:
    suite = read_suite(SUITE)
    assert (suite.cache, suite.repetitions, suite.concurrency) == ("bypass", 1, 4)
    assert read_suite({**SUITE, "cost_max_usd": "0.50"}).cost_max_usd is not None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"dataset": None}, "dataset"),
        ({"scorers": []}, "scorers"),
        ({"scorers": [{"use": "no"}]}, r"scorers\[0\].use: name one of"),
        ({"models": []}, "prompts: name prompts, models, or both"),
        ({"prompts": ["p"] * 10, "models": ["m"] * 10}, "more than 50 subjects"),
        ({"parameters": {"messages": []}}, "parameters.messages"),
        ({"cost_max_usd": "0"}, "cost_max_usd: must be above 0"),
        ({"repetitions": 0}, "repetitions"),
        ({"model": "small"}, "model: is unknown; did you mean `models`"),
    ],
)
def test_what_cannot_run_is_refused_by_name(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_suite({**SUITE, **changed})

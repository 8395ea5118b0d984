from __future__ import annotations

from typing import Any

import pytest

from legato.core.chat import StopReason
from legato.core.errors import BadProviderResponse
from legato.core.usage import Usage
from legato.providers.bedrock.usage import read_usage, stop_reason

PLAIN = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}


def test_the_cache_is_counted_beside_the_input() -> None:
    cached = {"cacheReadInputTokens": 100, "cacheWriteInputTokens": 60}
    details = [{"ttl": "1h", "inputTokens": 20}, {"ttl": "5m", "inputTokens": 40}]
    assert read_usage(PLAIN) == Usage(in_uncached=10, out_text=5)
    assert read_usage(PLAIN | cached) == Usage(10, 100, 60, 0, 5)
    assert read_usage(PLAIN | cached | {"cacheDetails": details}) == Usage(10, 100, 40, 20, 5)


@pytest.mark.parametrize(
    "wire",
    [None, [], {}, {"inputTokens": 1}, PLAIN | {"inputTokens": -1}, PLAIN | {"outputTokens": "5"}],
)
def test_what_is_no_report_is_none(wire: Any) -> None:
    assert read_usage(wire) is None


def test_reasons_to_stop() -> None:
    assert stop_reason("guardrail_intervened") is StopReason.CONTENT_FILTER
    assert stop_reason("something_new") is StopReason.END
    with pytest.raises(BadProviderResponse, match="malformed_tool_use"):
        stop_reason("malformed_tool_use")

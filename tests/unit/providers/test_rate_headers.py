"""Headers as vendors' pages and reports show them; none was recorded from a vendor by us."""

import pytest

from legato.providers.rate_headers import RateReadings, rate_readings
from legato.routing.load.allowance import Reading

NOW_S = 1_736_951_040.0  # 2025-01-15T14:24:00Z


def read(text: str) -> RateReadings | None:
    lines = [line.strip().split(": ") for line in text.strip().splitlines()]
    return rate_readings([(name.encode(), value.encode()) for name, value in lines], NOW_S)


def test_openai() -> None:
    # platform.openai.com/docs/guides/rate-limits, "Rate limits in headers"
    said = read("""
        x-ratelimit-limit-requests: 60
        x-ratelimit-limit-tokens: 150000
        x-ratelimit-remaining-requests: 59
        x-ratelimit-remaining-tokens: 149984
        x-ratelimit-reset-requests: 1s
        x-ratelimit-reset-tokens: 6m0s
    """)
    assert said == RateReadings(Reading(60, 59, 1), Reading(150_000, 149_984, 360))


def test_openai_in_milliseconds() -> None:
    # github.com/openai/openai-python/issues/416
    said = read("""
        x-ratelimit-limit-requests: 3500
        x-ratelimit-remaining-requests: 3499
        x-ratelimit-reset-requests: 17ms
    """)
    assert said == RateReadings(Reading(3500, 3499, 0.017), None)


def test_groq() -> None:
    # console.groq.com/docs/rate-limits: requests are a day's, tokens a minute's
    said = read("""
        retry-after: 2
        x-ratelimit-limit-requests: 14400
        x-ratelimit-limit-tokens: 18000
        x-ratelimit-remaining-requests: 14370
        x-ratelimit-remaining-tokens: 17997
        x-ratelimit-reset-requests: 2m59.56s
        x-ratelimit-reset-tokens: 7.66s
    """)
    assert said is not None
    assert said.requests == Reading(14_400, 14_370, pytest.approx(179.56))  # type: ignore[arg-type]
    assert said.tokens == Reading(18_000, 17_997, 7.66)


def test_azure_says_neither_limit_nor_reset() -> None:
    # github.com/EvolvingPrograms/oaib/issues/11
    said = read("""
        x-ms-region: North Central US
        x-ratelimit-remaining-requests: 79
        x-ratelimit-remaining-tokens: 61353
    """)
    assert said == RateReadings(Reading(0, 79, 60), Reading(0, 61_353, 60))


def test_azure_may_not_know() -> None:
    # github.com/openai/openai-dotnet/issues/838
    said = read("""
        x-ratelimit-limit-tokens: -1
        x-ratelimit-remaining-tokens: -1
        x-ratelimit-reset-tokens: 0
    """)
    assert said is None


def test_anthropic() -> None:
    # docs.anthropic.com/en/api/rate-limits, "Response headers"
    said = read("""
        anthropic-ratelimit-requests-limit: 4000
        anthropic-ratelimit-requests-remaining: 3201
        anthropic-ratelimit-requests-reset: 2025-01-15T14:24:30Z
        anthropic-ratelimit-input-tokens-limit: 400000
        anthropic-ratelimit-input-tokens-remaining: 312000
        anthropic-ratelimit-input-tokens-reset: 2025-01-15T14:24:12Z
        anthropic-ratelimit-output-tokens-limit: 80000
        anthropic-ratelimit-output-tokens-remaining: 8000
        anthropic-ratelimit-output-tokens-reset: 2025-01-15T14:24:54Z
    """)
    # of the kinds of tokens the one of which the smallest share is left
    assert said == RateReadings(Reading(4000, 3201, 30), Reading(80_000, 8_000, 54))


@pytest.mark.parametrize("said", ["x-ratelimit-remaining-requests: many", "date: today"])
def test_what_says_nothing_is_nothing(said: str) -> None:
    assert read(said) is None


def test_a_reset_that_cant_be_read_is_a_minute() -> None:
    said = read("x-ratelimit-remaining-requests: 5\nx-ratelimit-reset-requests: soon")
    assert said == RateReadings(Reading(0, 5, 60), None)

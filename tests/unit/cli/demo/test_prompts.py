from __future__ import annotations

from legato.cli.demo.prompts import packaged_prompts

PROMPTS = packaged_prompts()
EVERYONE = (*PROMPTS.first, *PROMPTS.teams, *PROMPTS.outage)


def test_a_few_dozen_are_asked_by_several_teams() -> None:
    assert 24 <= len(EVERYONE) + len(PROMPTS.again) <= 60
    assert len({prompt.team for prompt in EVERYONE}) >= 3
    assert len(PROMPTS.purposes) >= 6


def test_both_sdks_ask_streaming_and_not() -> None:
    asked = {(prompt.sdk, prompt.stream) for prompt in EVERYONE}
    assert asked == {(sdk, stream) for sdk in ("openai", "anthropic") for stream in (True, False)}


def test_only_what_is_marked_is_asked_twice() -> None:
    assert len(PROMPTS.again) >= 5
    asked = {(prompt.team, prompt.system, prompt.prompt) for prompt in EVERYONE}
    assert len(asked) == len(EVERYONE)


def test_the_outage_meets_only_the_route_that_has_a_fallback() -> None:
    assert {prompt.model for prompt in PROMPTS.outage} == {"expert"}

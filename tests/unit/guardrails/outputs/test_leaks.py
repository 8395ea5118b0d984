"""What was given in confidence is recognised however it is spaced and cased."""

import pytest

from legato.guardrails.outputs.leaks import PromptFinder, TextFinder

PROMPT = (
    "You are the assistant of Fjord Bank. Do not mention the merger with Nordkap before June. "
    "Answer in two sentences."
)


@pytest.mark.parametrize(
    "said",
    [
        "it is zebra-9931-quokka!",
        "Z E B R A 9 9 3 1 Q U O K K A",
        "ze\u200bbra\u00ad-9931\u2060-quokka",
        "**zebra**_9931_quokka",
        "z\ne\nb\nr\na9931quokka",
    ],
)
def test_a_planted_text_is_found_in_disguise(said: str) -> None:
    finder = TextFinder(["zebra-9931-quokka"], "CANARY")
    (hit,) = finder.find(said)
    kept = "".join(char for char in said[hit.start : hit.end] if char.isalnum()).lower()
    assert kept == "zebra9931quokka"


def test_a_beginning_of_it_is_waited_for() -> None:
    finder = TextFinder(["zebra-9931-quokka"], "CANARY")
    assert finder.open_from("I saw a zebra-99") == 8
    assert finder.open_from("I saw a zebra-98") == 16
    assert finder.find("I saw a zebra-99") == ()


def test_a_masked_value_counts_only_as_a_whole_word() -> None:
    finder = TextFinder(["Anna Berg"], "REDACTED_VALUE", whole=True)
    assert finder.find("I met anna berg.")
    assert not finder.find("Hanna Bergström")
    assert not TextFinder(["Ann"], "REDACTED_VALUE", whole=True)  # too short to mean anything


def test_enough_successive_words_of_the_prompt_are_a_leak() -> None:
    finder = PromptFinder(PROMPT, 5)
    said = 'Well: DO NOT mention the merger, with "Nordkap" before june... and more'
    (hit,) = finder.find(said)
    assert said[hit.start : hit.end] == 'DO NOT mention the merger, with "Nordkap" before june'
    assert not finder.find("Do not mention the weather with anyone before June.")


def test_a_run_at_the_end_is_waited_for() -> None:
    finder = PromptFinder(PROMPT, 5)
    assert finder.open_from("Well. Do not mention the ") == 6
    assert finder.open_from("Well. Do not mention th") == 6
    assert finder.open_from("Well. Nothing like it. ") == 23


def test_a_prompt_too_short_to_recognise_is_no_prompt() -> None:
    assert not PromptFinder("Be nice.", 5)

from __future__ import annotations

import pytest

from legato.core.errors import ConfigInvalid
from legato.guardrails.policy.custom import FOUND_MAX, Custom, custom_of


def found(custom: Custom | None, text: str) -> list[tuple[str, str]]:
    assert custom is not None
    return [(one.label, text[one.start : one.end]) for one in custom.find(text)]


def test_patterns_are_found_at_characters_not_bytes() -> None:
    custom = custom_of({"ticket": "T-[0-9]+"}, {})
    assert found(custom, "é世 T-12, T-7") == [("CUSTOM:ticket", "T-12"), ("CUSTOM:ticket", "T-7")]


def test_dictionaries_find_whole_words_whatever_their_case() -> None:
    custom = custom_of({}, {"code_names": ["Blue Heron", "blue", "straße"]})
    text = "BLUE HERON, bluebird, blue; Blue; STRASSE Straße blue_heron"
    assert [one for _, one in found(custom, text)] == ["BLUE HERON", "blue", "Blue", "Straße"]


@pytest.mark.parametrize(
    "disguised",
    [
        "Kes\u200btrel",
        "\u2067Kestrel\u2069",
        "\uff2b\uff45\uff53\uff54\uff52\uff45\uff4c",
        "K\u0435str\u0435l",
        "K\u00adestrel",
        "\U0001d40aestrel",
    ],
    ids=["zero_width", "bidi", "full_width", "cyrillic", "soft_hyphen", "mathematical"],
)
def test_disguises_hide_neither_words_nor_patterns(disguised: str) -> None:
    text = f"\u00e9 {disguised}."
    inner = disguised.strip("\u2067\u2069")
    for custom in (custom_of({}, {"a": ["kestrel"]}), custom_of({"a": "Kestrel"}, {})):
        ((_, what),) = found(custom, text)
        assert inner in what
        assert what in disguised


def test_what_a_policy_writes_in_other_scripts_is_found_as_it_stands() -> None:
    custom = custom_of(
        {"wide": "\uff2b+"},
        {"words": ["\uff28\uff45\uff52\uff4f\uff4e", "\u0421\u043e\u0432\u0430", "\u0130stanbul"]},
    )
    text = (
        "\uff2b\uff2b \uff28\uff25\uff32\uff2f\uff2e heron \u0441\u043e\u0432\u0430 \u0130STANBUL"
    )
    assert [one for _, one in found(custom, text)] == [
        "\uff28\uff25\uff32\uff2f\uff2e",
        "heron",
        "\u0441\u043e\u0432\u0430",
        "\u0130STANBUL",
        "\uff2b\uff2b",
    ]


def test_any_space_may_part_the_words_of_an_entry() -> None:
    custom = custom_of({}, {"a": ["Blue Heron"]})
    text = "Blue  Heron, blue\n heron, Blue\u00a0Heron, BlueHeron, blue, heron"
    assert [one for _, one in found(custom, text)] == [
        "Blue  Heron",
        "blue\n heron",
        "Blue\u00a0Heron",
    ]


def test_neighbouring_entries_are_all_found() -> None:
    custom = custom_of({}, {"words": ["foo"]})
    assert len(found(custom, "foo foo foo")) == 3


@pytest.mark.parametrize(
    ("patterns", "words", "told"),
    [
        ({"broken": "(a"}, {}, "patterns.broken: is no regular expression"),
        ({"back": r"(a)\1"}, {}, "patterns.back: is no regular expression"),
        ({"empty": "a*"}, {}, "patterns.empty: it fits an empty text"),
        ({"long": "a" * 2001}, {}, "patterns.long: has 1 to 2000"),
        ({"huge": "((a{100}){100}){100}"}, {}, "patterns.huge: is no regular expression"),
        ({}, {"marks": ["++"]}, "words.marks: an entry must begin"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    patterns: dict[str, str], words: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(ConfigInvalid, match=told.replace("(", r"\(")):
        custom_of(patterns, words)


def test_too_many_findings_become_one_that_covers_the_rest() -> None:
    custom = custom_of({"any": "[a-z]"}, {})
    assert custom is not None
    spans = custom.find("a" * (FOUND_MAX * 3))
    assert len(spans) == FOUND_MAX + 1
    assert (spans[-1].start, spans[-1].end) == (FOUND_MAX, FOUND_MAX * 3)


def test_a_pattern_that_hangs_others_takes_time_that_grows_with_the_text_alone() -> None:
    custom = custom_of({"nested": "(a+)+$"}, {})
    assert found(custom, "a" * 100_000 + "!") == []

"""Sentences lie within the text, in order, and cover its words."""

from legato.guardrails.injection.sentences import sentences


def test_sentences_are_found_with_their_places() -> None:
    text = "Hi Ann. Please pay!\n\n  The end"
    assert [text[start:end] for start, end in sentences(text)] == [
        "Hi Ann.",
        "Please pay!",
        "The end",
    ]


def test_long_sentences_are_cut_at_spaces() -> None:
    text = "word " * 500
    found = list(sentences(text))
    assert max(end - start for start, end in found) <= 240
    assert sum(text[start:end].count("word") for start, end in found) == 500


def test_a_word_without_end_is_cut_too() -> None:
    assert len(list(sentences("x" * 20_000))) >= 4


def test_nothing_is_found_in_nothing() -> None:
    assert list(sentences(" \n ")) == []

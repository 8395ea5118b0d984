"""Sentences that the context doesn't support are told from those it does."""

from tests.unit.guardrails.outputs.grounded_sentences import LABELLED

from legato.guardrails.outputs.grounding import Context, sentences


def test_labelled_sentences_are_told_apart() -> None:
    kept = caught = supported = unsupported = 0
    for text, labelled in LABELLED:
        context = Context([text])
        for sentence, label in labelled:
            support = context.support(sentence)
            assert support is not None
            supported += label
            unsupported += not label
            kept += label and support >= 0.5
            caught += not label and support < 0.5
    assert supported == unsupported == 32
    assert kept >= 30
    assert caught >= 30


def test_an_exchanged_figure_halves_support_at_least() -> None:
    context = Context(["The fee is 1,250.50 euros a year and rises by 3 % in 2027."])
    right = context.support("The fee is 1250.5 euros a year.")
    wrong = context.support("The fee is 1260.5 euros a year.")
    assert right is not None
    assert wrong is not None
    assert right == 1.0
    assert wrong <= right / 2


def test_small_talk_claims_nothing() -> None:
    context = Context(["The fee is 10 euros."])
    assert [one.support for one in context.held_against("Hello! Sure. Here you are.")] == []


def test_sentences_keep_their_places() -> None:
    text = "One is here. Two is, e.g. this.\n\n- Three\nIt costs 2.5 euros? Yes."
    assert [text[start:end] for start, end in sentences(text)] == [
        "One is here.",
        "Two is, e.g. this.",
        "- Three",
        "It costs 2.5 euros?",
        "Yes.",
    ]


def test_nearness_in_meaning_carries_a_paraphrase_but_no_unknown_figure_or_name() -> None:
    context = Context(["The device is waterproof down to two metres."])
    assert context.support("you can swim with this watch without worrying") == 0.0
    assert context.support("you can swim with this watch without worrying", 0.9) == 0.9
    assert context.support("you can swim with this watch at 20 metres without worry", 0.9) == 0.45


def test_of_many_sentences_those_that_share_most_words_are_held_against() -> None:
    other = " ".join(f"Sentence number {number} is here." for number in range(400))
    context = Context([other, "The pump moves water. It is made of brass and steel."])
    near = context.told_near(["Brass and steel are what the pump is made of."])
    assert len(near) == 256
    assert near[:2] == ["It is made of brass and steel.", "The pump moves water."]


def test_every_sentence_can_be_asked_for() -> None:
    held = Context(["The fee is 10 euros."]).held_against("It is not free. Hello!", every=True)
    assert [one.support for one in held] == [1.0, 1.0]

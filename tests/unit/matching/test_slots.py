"""What must agree before one answer serves two questions."""

import pytest

from legato.matching.questions import disagreement, prepare

APART = [
    ("How do I lose 10 kg in 2 weeks?", "How do I lose 20 kg in 2 weeks?", "numbers"),
    ("Is ten miles far?", "Is 10 km far?", "numbers"),
    ("What can I buy for 5k?", "What can I buy for 5 million?", "numbers"),
    ("What is the price of 401k plans?", "What is the price of plans?", "numbers"),
    ("Which laptop is good at €500?", "Which laptop is good at $500?", "numbers"),
    ("What happened on 3 March?", "What happened on 3 April?", "dates"),
    ("Is the bank open on Monday?", "Is the bank open on Sunday?", "dates"),
    ("Can I return this tomorrow?", "Can I return this today?", "dates"),
    ("What are good hotels in Jaipur?", "What are good hotels in Delhi?", "names"),
    ("Should I learn Python?", "Should I not learn Python?", "negation"),
    ("Why can I log in?", "Why can't I log in?", "negation"),
    ("Darf man hier parken?", "Darf man hier nicht parken?", "negation"),
    ("¿Puedo pagar con tarjeta?", "¿Puedo pagar sin tarjeta?", "negation"),
    ('What does "carpe diem" mean?', 'What does "alea iacta est" mean?', "quoted text"),
    ("how does list.append() work", "how does list.insert() work", "code"),
    ("how to sort in c++", "how to sort in c#", "code"),
    ("what is vitamin b12 good for", "what is vitamin b6 good for", "code"),
    ("what is max_tokens", "what is max_retries", "code"),
    ("What is the best phone?", "What is the worst phone?", "degree"),
    ("Is it more likely to rain?", "Is it less likely to rain?", "degree"),
    ("How do I get from paris to london?", "How do I get from london to paris?", "direction"),
    ("How to convert celsius to fahrenheit?", "How to convert fahrenheit to celsius?", "direction"),
    ("Should I buy gold?", "Should I sell gold?", "opposites"),
    ("How do I enable the firewall?", "How do I disable the firewall?", "opposites"),
    ("Why did Rome conquer Greece?", "How did Rome conquer Greece?", "question"),
    ("When was radium discovered?", "Where was radium discovered?", "question"),
    ("Who wrote the song?", "When was the song written?", "question"),
]
TOGETHER = [
    ("How do I lose 10 kg in two weeks?", "How can I lose ten kilograms in 2 weeks?"),
    ("Which laptop is best under 60k?", "Which laptop is best under 60,000?"),
    ("Is it worth 500 rupees?", "Is it worth Rs 500?"),
    ("What is the meaning of life?", "what's the meaning of life"),
    ("What are good hotels in Jaipur?", "which hotels in jaipur are good?"),
    ("How Do I Reset My Password?", "how do I reset my password"),
    ('What does "carpe diem" mean?', "What is meant by carpe diem?"),
    ("What happened on May 3rd?", "On 3 May, what happened?"),
    ("Who is the president of the US?", "Who is the American president?"),
    ("What is the best way to learn?", "How do I learn best?"),
]


@pytest.mark.parametrize(("one", "other", "slot"), APART)
def test_different_facts_never_agree(one: str, other: str, slot: str) -> None:
    assert disagreement(prepare(one), prepare(other)) == slot
    assert disagreement(prepare(other), prepare(one)) == slot


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_forms_of_one_fact_agree(one: str, other: str) -> None:
    assert disagreement(prepare(one), prepare(other)) == ""


@pytest.mark.parametrize("text", ["", " ", "?", "\x00", "٣", "½", "ﬁ", "a" * 100_000, "1" * 5000])
def test_any_text_is_read(text: str) -> None:
    assert disagreement(prepare(text), prepare(text)) == ""

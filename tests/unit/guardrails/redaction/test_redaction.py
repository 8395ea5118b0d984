"""What stands for the values of a request."""

import random
import re

import pytest
from tests.unit.guardrails.redaction.marking import marked, redact

from legato.core.guarding import Finding
from legato.guardrails.redaction import Redaction, Restorer, Span, spans
from legato.guardrails.redaction.standing import Index


def test_the_same_value_has_the_same_placeholder_and_others_their_own() -> None:
    redaction = Redaction()
    first, second = redact(
        redaction,
        marked("Ann and Bob", ("Ann", "PERSON"), ("Bob", "PERSON"), where="/a"),
        marked("for Bob", ("Bob", "PERSON"), where="/b"),
    )
    form = re.fullmatch(r"(PERSON_[a-z0-9]{6}_001) and (PERSON_[a-z0-9]{6}_002)", first)
    assert form is not None
    assert second == f"for {form[2]}"
    assert redaction.values == {form[1]: "Ann", form[2]: "Bob"}


def test_each_request_has_a_tag_of_its_own() -> None:
    tags = {redact(Redaction(), marked("Ann", ("Ann", "PERSON")))[0] for _ in range(50)}
    assert len(tags) == 50


def test_a_tag_that_a_text_holds_is_not_drawn() -> None:
    """Case 2: the user's own text in our form is never taken for a placeholder."""
    drawn = random.Random(7)
    tag = redact(Redaction(draw=drawn.randrange), marked("Ann", ("Ann", "PERSON")))[0]
    again = random.Random(7)
    redaction = Redaction(draw=again.randrange)
    text = f"Ann wrote {tag} herself"
    told = redact(redaction, marked(text, ("Ann", "PERSON")))[0]
    assert told.endswith(f"wrote {tag} herself")
    restorer = Restorer(redaction)
    assert restorer.feed(told) + restorer.end() == text


def test_more_values_than_numbers_get_another_tag() -> None:
    redaction = Redaction()
    values = [f"p{number:04d}" for number in range(2_100)]
    text = " ".join(values)
    told = redact(redaction, marked(text, *((value, "PERSON") for value in values)))[0]
    assert len(redaction.tags) == 3
    assert len(set(told.split())) == 2_100
    restorer = Restorer(redaction)
    assert restorer.feed(told) + restorer.end() == text
    assert (redaction.restored, redaction.unknown) == (2_100, 0)


def test_what_overlaps_is_replaced_once() -> None:
    found = [Finding("URL", 0, 10, 0.5), Finding("EMAIL_ADDRESS", 4, 20), Finding("X", 30, 99)]
    assert spans(found, 40) == [Span(0, 20, "EMAIL_ADDRESS"), Span(30, 40, "X")]
    assert spans([Finding("A", 3, 3)], 9) == []


def test_a_custom_label_is_written_in_letters_alone() -> None:
    told = redact(Redaction(), marked("x-77", ("x-77", "CUSTOM:staff number")))[0]
    assert re.fullmatch(r"CUSTOM_STAFF_NUMBER_[a-z0-9]{6}_001", told)


@pytest.mark.parametrize(
    ("label", "value", "form"),
    [
        ("EMAIL_ADDRESS", "jane.doe@corp.org", r"user\.[a-z]{6}@example\.com"),
        ("PHONE_NUMBER", "+1 415-867-5309", r"\+1 \d{3}-555-01\d\d"),
        ("PHONE_NUMBER", "4158675309", r"\d{3}55501\d\d"),
        ("PHONE_NUMBER", "+44 20 7946 0958", r"\+44 7700 900\d{3}"),
        ("CREDIT_CARD", "4539-1488-0343-6467", r"4000-00\d\d-\d{4}-\d{4}"),
        ("CREDIT_CARD", "378282246310005", r"370000\d{9}"),
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", r"DE\d\d 0000 0000 \d{4} \d{4} \d\d"),
        ("IP_ADDRESS", "10.20.30.40", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{3}"),
        ("IP_ADDRESS", "fe80::1", r"2001:db8::[0-9a-f]{4}:[0-9a-f]{4}"),
        ("MAC_ADDRESS", "a4:83:e7:12:34:56", r"00:00:5e:00:53:[0-9a-f]{2}"),
        ("US_SSN", "536-90-4399", r"9\d\d-[0-4]\d-\d{4}"),
        ("PERSON", "Jane Doe", r"[A-Z][a-z]+ [A-Z][a-z]+"),
    ],
)
def test_a_surrogate_has_the_form_of_what_it_stands_for(label: str, value: str, form: str) -> None:
    for _ in range(30):
        redaction = Redaction()
        told = redact(redaction, marked(f"<{value}>", (value, label), surrogates=[label]))[0]
        assert re.fullmatch(f"<{form}>", told)
        restorer = Restorer(redaction)
        assert restorer.feed(told) + restorer.end() == f"<{value}>"


def test_cards_and_accounts_pass_their_checks() -> None:
    redaction = Redaction()
    card, account = redact(
        redaction,
        marked("4539148803436467", ("4539148803436467", "CREDIT_CARD"),
               where="/a", surrogates=["CREDIT_CARD"]),
        marked("DE89370400440532013000", ("DE89370400440532013000", "IBAN_CODE"),
               where="/b", surrogates=["IBAN_CODE"]),
    )  # fmt: skip
    doubled = [int(digit) * (2 - at % 2) for at, digit in enumerate(card)]
    assert sum(one - 9 * (one > 9) for one in doubled) % 10 == 0
    moved = account[4:] + account[:4]
    assert int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def test_no_surrogate_is_part_of_another_or_of_the_texts() -> None:
    redaction = Redaction()
    values = [f"00:11:22:33:44:{number:02X}" for number in range(250)]
    redact(
        redaction,
        marked(" ".join(values), *((v, "MAC_ADDRESS") for v in values), surrogates=["MAC_ADDRESS"]),
    )
    standing = list(redaction.values)
    assert len(set(standing)) == 250
    assert not any(a in b for a in standing for b in standing if a != b)
    assert any("MAC_ADDRESS_" in one for one in standing) or len(standing) == 250


def test_a_label_without_a_surrogate_gets_a_placeholder() -> None:
    told = redact(Redaction(), marked("s3cr3t", ("s3cr3t", "SECRET"), surrogates=["SECRET"]))[0]
    assert told.startswith("SECRET_")


@pytest.mark.parametrize("label", ["EMAIL_ADDRESS", "IP_ADDRESS", "PERSON", "CREDIT_CARD"])
def test_many_values_are_replaced_and_come_back(label: str) -> None:
    """Also more than there are surrogates of."""
    values = [f"4539 {n:04d} 0343 64{n % 100:02d}" for n in range(1_500)]
    text = " ".join(values)
    redaction = Redaction()
    told = redact(redaction, marked(text, *((one, label) for one in values), surrogates=[label]))[0]
    assert not any(one in told for one in values)
    assert len(redaction.values) == 1_500
    restorer = Restorer(redaction)
    assert "".join(map(restorer.feed, told)) + restorer.end() == text


def test_a_surrogate_that_a_text_holds_is_not_drawn() -> None:
    """It would be taken for one, and somebody's data put in its place."""
    value = "aa:bb:cc:dd:ee:01"
    own = [f"00:00:5e:00:53:{number:02x}" for number in range(255)]
    text = f"{value} {''.join(own)}"
    redaction = Redaction()
    told = redact(redaction, marked(text, (value, "MAC_ADDRESS"), surrogates=["MAC_ADDRESS"]))[0]
    assert told.split()[1] == text.split()[1]
    standing = told.split()[0]
    assert standing == "00:00:5e:00:53:ff" or standing.startswith("MAC_ADDRESS_")
    restorer = Restorer(redaction)
    assert restorer.feed(told) + restorer.end() == text


def test_the_work_grows_with_the_values_and_not_with_their_square() -> None:
    """Draws and look-ups are counted, not seconds: four times the values, four times the draws."""

    def draws(count: int) -> int:
        drawn = 0
        source = random.Random(5)

        def draw(below: int) -> int:
            nonlocal drawn
            drawn += 1
            return source.randrange(below)

        values = [f"10.{n >> 8}.{n & 255}.9" for n in range(count)]
        given = ((one, "IP_ADDRESS") for one in values)
        redact(Redaction(draw=draw), marked(" ".join(values), *given, surrogates=["IP_ADDRESS"]))
        return drawn

    assert draws(4_000) < 5 * draws(1_000)


def test_what_stands_for_many_values_is_found_by_one_small_expression() -> None:
    many = {f"user.{n:06d}@example.com": "" for n in range(5_000)}
    index = Index(many)
    assert len(index.form) < 200
    text = "x".join(many)
    assert [one.text for one in index.found_in(text)] == list(many)
    assert index.begins("user.00")
    assert not index.begins("user.x")
    assert not index.begins("user.000001@example.com")

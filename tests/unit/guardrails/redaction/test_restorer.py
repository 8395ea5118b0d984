"""Values come back into a text however it is cut, and nothing else does."""

import json

from hypothesis import given
from hypothesis import strategies as some
from tests.unit.guardrails.redaction.marking import Marked, marked, redact

from legato.core.guarding import Finding, Piece
from legato.guardrails.redaction import Redaction, Restorer


def restored(redaction: Redaction, pieces: list[str], *, escapes: bool = False) -> str:
    restorer = Restorer(redaction, escapes=escapes)
    return "".join(map(restorer.feed, pieces)) + restorer.end()


def of_ann() -> tuple[Redaction, str]:
    redaction = Redaction()
    return redaction, redact(redaction, marked("Ann", ("Ann", "PERSON")))[0]


def test_one_character_a_chunk_is_restored_exactly() -> None:
    """Case 1."""
    redaction, placeholder = of_ann()
    assert restored(redaction, list(f"Dear {placeholder}, P{placeholder}!")) == "Dear Ann, PAnn!"
    assert (redaction.restored, redaction.unknown) == (2, 0)


def test_an_invented_placeholder_stays_and_is_counted() -> None:
    """Case 3."""
    redaction, placeholder = of_ann()
    text = f"{placeholder[:-1]}7 and OTHER{placeholder[6:]} and {placeholder}"
    assert restored(redaction, list(text)) == text.replace(placeholder, "Ann")
    assert (redaction.restored, redaction.unknown) == (1, 2)


def test_another_requests_placeholder_is_never_restored() -> None:
    """Case 4."""
    redaction, _ = of_ann()
    _, foreign = of_ann()
    assert restored(redaction, list(foreign)) == foreign
    assert redaction.restored == 0


def test_a_cut_placeholder_stays() -> None:
    """Case 5."""
    redaction, placeholder = of_ann()
    for size in range(1, len(placeholder)):
        assert restored(redaction, list(f"Dear {placeholder[:size]}")) == (
            f"Dear {placeholder[:size]}"
        )
    assert redaction.restored == 0


def test_quotes_in_a_value_keep_json_valid() -> None:
    """Case 7."""
    redaction = Redaction()
    value = 'Ann "Nan" O\\Neil\n'
    placeholder = redact(redaction, marked(value, (value, "PERSON")))[0]
    told = restored(redaction, list(json.dumps({"to": f"<{placeholder}>"})), escapes=True)
    assert json.loads(told) == {"to": f"<{value}>"}


def test_no_more_than_a_placeholder_is_held_back() -> None:
    redaction, placeholder = of_ann()
    restorer = Restorer(redaction)
    sent = 0
    for came, char in enumerate(("PERSON" * 50 + placeholder) * 3, 1):
        sent += len(restorer.feed(char).replace("Ann", placeholder))
        assert came - sent < len(placeholder)


VALUES = some.text(min_size=1, max_size=12)
PARTS = some.lists(some.tuples(some.text(max_size=12), some.integers(0, 5)), max_size=12)


@given(
    values=some.lists(VALUES, min_size=1, max_size=6, unique=True),
    parts=PARTS,
    cuts=some.lists(some.integers(1, 9), min_size=1, max_size=40),
    surrogate=some.booleans(),
)
def test_any_text_is_restored_however_it_is_cut(
    values: list[str], parts: list[tuple[str, int]], cuts: list[int], *, surrogate: bool
) -> None:
    redaction = Redaction()
    pieces = [Piece(value, f"/{number}") for number, value in enumerate(values)]
    alike = frozenset({"EMAIL_ADDRESS"} if surrogate else ())
    label = "EMAIL_ADDRESS"
    marks = [Marked(piece, (Finding(label, 0, len(piece.text)),), alike) for piece in pieces]
    standing = list(redaction.redacted(marks, pieces).values())
    masked = "".join(text + standing[which % len(values)] for text, which in parts)
    plain = "".join(text + values[which % len(values)] for text, which in parts)
    chunks, start, turn = [], 0, 0
    while start < len(masked):
        end = start + cuts[turn % len(cuts)]
        chunks.append(masked[start:end])
        start, turn = end, turn + 1
    assert restored(redaction, chunks) == plain
    assert redaction.unknown == 0

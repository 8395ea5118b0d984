"""The best tags of a small model are what its weights say, and no inner tag stands alone."""

from array import array

from legato.guardrails.names.features import Lexicon
from legato.guardrails.names.spans import findings_of
from legato.guardrails.names.tagger import FORBIDDEN, Model, Tagged, Tagger, pack
from legato.guardrails.names.tokens import tokens_of

TAGS = ("O", "B-PERSON", "I-PERSON")


def weights(outside: int, begin: int, inner: int) -> int:
    return pack(bytes(value & 0xFF for value in (outside, begin, inner)))


MODEL = Model(
    TAGS,
    ((0, 0, -9999), (0, -20, 30), (0, -20, 30)),
    {"s=x": weights(60, 0, 0), "s=Xx": weights(0, 40, 20), "-1w=mr": weights(-20, 30, 0)},
    Lexicon(array("I"), b"", b""),
    18.0,
)


def tags(text: str, leaning: tuple[int, int, int] = (0, 0, 0)) -> list[str]:
    tagged = Tagger(MODEL).tag(tokens_of(text), leaning)
    return [TAGS[tag] for tag in tagged.tags]


def test_the_best_path_weighs_features_and_transitions() -> None:
    assert tags("see Ana Sol today") == ["O", "B-PERSON", "I-PERSON", "O"]


def test_neighbours_and_leaning_change_what_is_found() -> None:
    assert tags("mr smith") == ["O", "O"]
    assert tags("mr smith", (0, 40, 0)) == ["O", "B-PERSON"]


def test_an_inner_tag_never_begins() -> None:
    assert tags("Ana", (0, -100, 100)) == ["B-PERSON"] or tags("Ana", (0, -100, 100)) == ["O"]
    assert MODEL.transitions[0][2] <= FORBIDDEN


def test_nothing_has_no_tags() -> None:
    assert Tagger(MODEL).tag([], (0, 0, 0)) == Tagged([], [])


def test_findings_leave_signs_at_the_ends_out() -> None:
    text = "to Ana Sol, today"
    tokens = tokens_of(text)
    tagged = Tagged([0, 1, 2, 2, 0], [5, 9, 9, 9, 5])
    (found,) = findings_of(tokens, tagged, TAGS, step=18.0, detector="names")
    assert text[found.start : found.end] == "Ana Sol"
    assert found.label == "PERSON"
    assert 0.5 < found.score < 1


def test_parts_of_an_address_are_one_place() -> None:
    text = "at 5 Elm Rd,\nCork, Ireland. Lima"
    tokens = tokens_of(text)
    tags = ("O", "B-LOCATION", "I-LOCATION")
    tagged = Tagged([0, 1, 2, 2, 0, 0, 1, 0, 1, 0, 1], [9] * 11)
    found = findings_of(tokens, tagged, tags, step=18.0, detector="names")
    assert [text[one.start : one.end] for one in found] == ["5 Elm Rd,\nCork, Ireland", "Lima"]


def test_numbers_alone_are_no_place_unless_one_as_a_postal_code_is() -> None:
    tags = ("O", "B-LOCATION", "I-LOCATION")

    def places(text: str, *marked: int) -> list[str]:
        tokens = tokens_of(text)
        kinds = [0] * len(tokens)
        for nth, at in enumerate(marked):
            kinds[at] = 2 if nth else 1
        tagged = Tagged(kinds, [9] * len(tokens))
        found = findings_of(tokens, tagged, tags, step=18.0, detector="names")
        return [text[one.start : one.end] for one in found]

    assert places("pi is 3.14159 2.71828", 4, 5, 6, 7) == []
    assert places("DOI 10.1000/182 RFC", 5, 6) == []
    assert places("zip 90210", 1) == ["90210"]
    assert places("at:27 Mill Lane", 2, 3, 4) == ["27 Mill Lane"]

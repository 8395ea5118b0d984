from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.flow.definition import Assignees
from legato.flow.rulings import (
    Asked,
    Option,
    Person,
    Question,
    Ruling,
    Verdict,
    form_problem,
    is_asked,
    outcome_of,
    vote_of,
)

FORM = {
    "type": "object",
    "properties": {"amount": {"type": "integer", "maximum": 100}},
    "required": ["amount"],
}


def question(ask: str, **more: Any) -> Question:
    return Question(ask=ask, subject="Refund", **more)


@pytest.mark.parametrize(
    ("ask", "ruling", "port"),
    [
        (question("approve"), Ruling(verdict=Verdict.APPROVE), "approved"),
        (question("approve"), Ruling(verdict=Verdict.REJECT), "rejected"),
        (question("edit", data={"amount": 5}, form=FORM), Ruling(verdict=Verdict.APPROVE),
         "approved"),
        (question("edit", form=FORM), Ruling(verdict=Verdict.EDIT, data={"amount": 9}),
         "approved"),
        (question("choose", options=(Option("a"), Option("b"))),
         Ruling(verdict=Verdict.CHOOSE, port="b"), "b"),
        (question("form", form=FORM), Ruling(verdict=Verdict.FILL, data={"amount": 1}), "done"),
    ],
)  # fmt: skip
def test_what_is_said_becomes_a_port(ask: Question, ruling: Ruling, port: str) -> None:
    assert vote_of(ask, ruling).port == port


@pytest.mark.parametrize(
    ("ask", "ruling", "told"),
    [
        (question("approve"), Ruling(verdict=Verdict.FILL, data=1), "approve or reject"),
        (question("form", form=FORM), Ruling(verdict=Verdict.REJECT), "fill"),
        (question("choose", options=(Option("a"),)), Ruling(verdict=Verdict.CHOOSE, port="z"),
         "one of a"),
        (question("form", form=FORM), Ruling(verdict=Verdict.FILL, data={"amount": 101}),
         "data.amount"),
        (question("edit", form=FORM, data={}), Ruling(verdict=Verdict.APPROVE), "amount"),
    ],
)  # fmt: skip
def test_what_is_not_asked_for_is_refused(ask: Question, ruling: Ruling, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        vote_of(ask, ruling)


def test_the_order_of_keys_makes_no_other_vote() -> None:
    ask = question("form", form={"type": "object"})
    one = vote_of(ask, Ruling(verdict=Verdict.FILL, data={"a": 1, "b": 2}))
    other = vote_of(ask, Ruling(verdict=Verdict.FILL, data={"b": 2, "a": 1}))
    assert one.digest == other.digest != ""


def test_as_many_as_are_needed_must_say_the_same() -> None:
    votes = {"ann": ("approved", "x"), "ben": ("approved", "y")}
    assert outcome_of(votes, 2) is None
    assert outcome_of(votes | {"cy": ("approved", "y")}, 2) == ("approved", "y")
    assert outcome_of(votes | {"cy": ("rejected", "")}, 2) == ("rejected", "")


def test_who_is_asked() -> None:
    ann = Person(id="account:1", names=frozenset({"ann"}), teams=frozenset({"claims"}))
    assert is_asked(ann, Asked())
    assert is_asked(ann, Asked(assignees=Assignees(teams=("claims",))))
    assert is_asked(ann, Asked(assignees=Assignees(accounts=("ann",))))
    assert not is_asked(ann, Asked(assignees=Assignees(roles=("owner",))))
    delegated = Asked(assignees=Assignees(roles=("owner",)), delegates=frozenset({"ann"}))
    assert is_asked(ann, delegated)


def test_a_form_that_makes_endless_work_is_refused() -> None:
    doubling: dict[str, Any] = {"$defs": {"d0": {"type": "string"}}}
    for level in range(1, 40):
        both = {"$ref": f"#/$defs/d{level - 1}"}
        doubling["$defs"][f"d{level}"] = {"allOf": [both, both]}
    doubling["$ref"] = "#/$defs/d39"
    assert "too much work" in form_problem(doubling, "x")

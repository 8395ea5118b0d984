from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.economics.finance.assumptions import (
    SHIPPED,
    Assumption,
    Book,
    Input,
    Said,
    checked,
    in_force,
    said_input,
    shipped,
)

TODAY = "2026-11-22"


def version(number: int, value: str, valid_from: str, name: str = "initial.usd") -> Assumption:
    return Assumption(
        name=name, version=number, tag="assumed", unit="USD", value=value, source="s",
        valid_from=valid_from, author="a",
    )  # fmt: skip


def test_what_ships_is_assumed_and_says_where_it_is_from() -> None:
    defaults = {one.name: one for one in shipped()}
    assert {one.tag for one in defaults.values()} == {"assumed"}
    assert all(one.source and one.version == SHIPPED for one in defaults.values())
    assert defaults["discount.rate_year"].value == "0.10"
    assert "initial.usd" not in defaults, "nobody's own money is made up"
    for one in defaults.values():
        checked(
            Said(name=one.name, value=one.value, low=one.low, high=one.high, source="x"),
            today=TODAY,
        )


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": "dicount.rate_year"}, "name"),
        ({"name": "Discount"}, "name"),
        ({"name": "initial.usd@care/support"}, "name"),
        ({"value": "ten"}, "value"),
        ({"value": "NaN"}, "value"),
        ({"value": "1e999999"}, "value"),
        ({"value": "-1"}, "value"),
        ({"low": "20"}, "low"),
        ({"high": "5"}, "low"),
        ({"source": " "}, "source"),
        ({"tag": "guessed"}, "tag"),
        ({"unit": "EUR"}, "unit"),
        ({"valid_from": "2026-8-1"}, "valid_from"),
        ({"value": "", "low": "1"}, "value"),
    ],
)
def test_a_refusal_names_the_field(said: dict[str, Any], field: str) -> None:
    whole = {"name": "initial.usd", "value": "10", "source": "offer", **said}
    with pytest.raises(InvalidRequest) as refused:
        checked(Said(**whole), today=TODAY)
    assert refused.value.param == field


def test_names_of_ones_own_and_of_a_feature_are_taken() -> None:
    assert checked(Said(name="custom.nps", value="-7", source="x"), today=TODAY).unit == ""
    scoped = checked(Said(name="cogs.other_usd_month@care/bot", value="7", source="x"), today=TODAY)
    assert (scoped.unit, scoped.valid_from) == ("USD per month", TODAY)


def test_of_versions_that_of_the_latest_date_holds() -> None:
    versions = [
        version(1, "10", "2026-01-01"),
        version(2, "20", "2026-06-01"),
        version(3, "11", "2026-01-01"),
        version(4, "99", "2027-01-01"),
    ]
    assert "initial.usd" not in in_force(versions, "2025-12-31")
    assert in_force(versions, "2026-03-01")["initial.usd"].version == 3
    assert in_force(versions, TODAY)["initial.usd"].version == 2
    assert in_force(versions, "2027-01-01")["initial.usd"].value == "99"


def test_what_is_taken_back_gives_way_to_what_ships() -> None:
    name = "discount.rate_year"
    set_then_taken = [version(1, "0.2", "2026-01-01", name), version(2, "", "2026-01-01", name)]
    assert in_force(set_then_taken[:1], TODAY)[name].value == "0.2"
    assert in_force(set_then_taken, TODAY)[name].version == SHIPPED


def test_a_book_remembers_what_was_asked_for_and_what_was_said_goes_first() -> None:
    held = in_force([version(7, "10", "2026-01-01")], TODAY)
    book = Book(held, {"ramp.months": said_input("ramp.months", "0")})
    read = Input(name="initial.usd", value="5", unit="USD", tag="measured", source="the books")
    assert book.learn(read).version == 7
    assert book.need("ramp.months").source == "said with the question"
    assert [(one.name, one.version) for one in book.used] == [
        ("initial.usd", 7),
        ("ramp.months", None),
    ]
    with pytest.raises(InvalidRequest, match=r"assumptions set machine\.hour_usd"):
        book.need("machine.hour_usd")

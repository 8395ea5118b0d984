from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.economics.chargeback import (
    UNASSIGNED,
    CostRules,
    Group,
    Pool,
    Rule,
    check_rules,
    statement,
)

DAY = date(2026, 10, 1)
NAMES = ("a", "b", "c", "d")
groups = st.lists(
    st.builds(
        Group,
        fields=st.fixed_dictionaries({"team": st.sampled_from(NAMES), "kind": st.just("usage")}),
        tags=st.dictionaries(st.sampled_from(["env", "app"]), st.sampled_from(NAMES), max_size=2),
        amount=st.integers(-(10**12), 10**12),
        requests=st.integers(0, 1000),
        tokens=st.integers(0, 10**6),
    ),
    max_size=20,
)
pools = st.lists(
    st.builds(
        Pool,
        name=st.sampled_from(["p", "q", "r"]),
        amount=st.sampled_from(["1", "99.999999999", "0.01"]),
        driver=st.sampled_from(["cost", "requests", "tokens", "even"]),
        among=st.lists(st.sampled_from(["C1", "C2", "C9"]), max_size=2, unique=True),
    ),
    max_size=3,
    unique_by=lambda pool: pool.name,
)
RULES = [
    Rule(when={"team": "a", "tag:env": "b"}, cost_centre="C1", account="6510"),
    Rule(when={"team": "a"}, cost_centre="C2"),
    Rule(when={"tag:app": "*"}, cost_centre="C3"),
]


@given(groups, pools)
def test_what_is_charged_comes_to_what_was_spent_and_stated(
    found: list[Group], shared: list[Pool]
) -> None:
    rules = CostRules(valid_from=DAY, rules=RULES, pools=shared)
    check_rules(rules)
    said = statement(found, rules)
    assert said.total == said.spent + said.stated
    assert said.spent == sum(one.amount for one in found)


def test_the_first_rule_decides_and_the_rest_is_shown_as_unassigned() -> None:
    found = [
        Group({"team": "a"}, {"env": "b"}, 100),
        Group({"team": "a"}, {}, 20),
        Group({"team": "x"}, {"app": "z"}, 3),
        Group({"team": "x"}, {}, 7),
    ]
    said = statement(found, CostRules(valid_from=DAY, rules=RULES))
    charged = {one.cost_centre: (one.amount, one.account) for one in said.charges}
    assert charged == {
        "C1": (100, "6510"), "C2": (20, "expense"), "C3": (3, "expense"),
        UNASSIGNED: (7, "expense"),
    }  # fmt: skip
    assert said.unassigned == 7


def test_entries_of_a_pool_are_spread_by_its_driver() -> None:
    found = [
        Group({"team": "a"}, {"env": "b"}, 10, requests=1),
        Group({"team": "a"}, {}, 10, requests=2),
        Group({"team": "x", "kind": "judge"}, {}, 100),
    ]
    pool = Pool(name="judges", entries={"kind": "judge"}, driver="requests", account="6520")
    said = statement(found, CostRules(valid_from=DAY, rules=RULES, pools=[pool]))
    shares = {one.cost_centre: one.amount for one in said.charges if one.pool}
    assert shares == {"C1": 33, "C2": 67}
    assert (said.spent, said.stated, said.total) == (120, 0, 120)


def test_a_pool_that_nobody_drives_stays_unassigned() -> None:
    pool = Pool(name="machines", amount="5", driver="tokens")
    said = statement([], CostRules(valid_from=DAY, pools=[pool]))
    assert (said.unassigned, said.total) == (5 * 10**9, 5 * 10**9)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (CostRules(valid_from=DAY, rules=[Rule(when={}, cost_centre="c")]), r"rules\[0\]"),
        (CostRules(valid_from=DAY, rules=[Rule(when={"user": "x"}, cost_centre="c")]), "'user'"),
        (CostRules(valid_from=DAY, pools=[Pool(name="p")]), "one of amount and entries"),
        (CostRules(valid_from=DAY, pools=[Pool(name="p", amount="1", driver="weights")]), "needs"),
        (CostRules(valid_from=DAY, pools=[Pool(name="p", amount="1")] * 2), "two 'p'"),
    ],
)
def test_what_cant_be_is_refused(rules: CostRules, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        check_rules(rules)

from __future__ import annotations

from legato.economics.readiness import Facts, State, Verdict, assess

USD = 10**9
KNOWN = Facts(
    days=30,
    cost=1_000 * USD,
    lines=100,
    lines_with_cost=100,
    vendors=2,
    calls_with_content=5_000,
    saving_low=100 * USD,
    saving_point=200 * USD,
    saving_high=400 * USD,
    labour=1,
)


def with_own(usd: int) -> Facts:
    from msgspec.structs import replace

    return replace(KNOWN, own_cost=usd * USD)


def test_without_figures_nothing_is_said() -> None:
    found = assess(Facts())
    assert found.verdict is Verdict.UNKNOWN
    assert len(found.missing) == 2
    assert assess(KNOWN).missing == [
        "what running it would cost: --own-usd AMOUNT, a month of machine and care"
    ]


def test_worth_it_where_the_low_end_pays() -> None:
    found = assess(with_own(99))
    assert found.verdict is Verdict.WORTH_IT
    assert "at least $100.00" in found.reason


def test_likely_where_the_point_pays() -> None:
    assert assess(with_own(100)).verdict is Verdict.LIKELY
    assert assess(with_own(199)).verdict is Verdict.LIKELY


def test_not_yet_where_only_the_best_case_pays() -> None:
    found = assess(with_own(200))
    assert found.verdict is Verdict.NOT_YET
    assert "only the best case, $400.00" in found.reason


def test_not_yet_where_nothing_pays_and_where_it_turns() -> None:
    found = assess(with_own(400))
    assert found.verdict is Verdict.NOT_YET
    assert "even at best $400.00" in found.reason
    assert found.turns.startswith("at $2000.00 of models a month")


def test_without_any_saving_it_turns_at_no_spend() -> None:
    found = assess(Facts(cost=5 * USD, own_cost=USD))
    assert found.verdict is Verdict.NOT_YET
    assert "at no spend" in found.turns


def test_each_question_has_a_state_for_what_was_found() -> None:
    states = {one.asked: one.state for one in assess(Facts()).questions}
    assert set(states.values()) == {State.UNKNOWN}
    bad = Facts(
        days=27,
        cost=1,
        lines=100,
        lines_with_cost=94,
        calls_with_content=999,
        code_calls=3,
        keys_in_code=1,
        prompts_shared=1,
        calls_without_limit=1,
        clients_without_timeout=1,
        unbounded_retries=1,
        live_requests=0,
    )
    found = assess(bad).questions
    assert all(one.do for one in found if one.state is State.OPEN)
    assert sum(one.state is State.OPEN for one in found) == len(found) - 1
    good = Facts(
        days=28, cost=1, lines=100, lines_with_cost=95, calls_with_content=1_000, labour=1,
        code_calls=0, live_requests=1,
    )  # fmt: skip
    assert {one.state for one in assess(good).questions} == {State.GOOD}

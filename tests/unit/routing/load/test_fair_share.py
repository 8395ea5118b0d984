from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from legato.routing.load.fair_share import FairQueue

ORDER = count()


class One:
    def __init__(
        self, org: str, team: str = "t", key: str = "k", *, rank: float = 1.0, until_s: float = 1.0
    ) -> None:
        self.path = (org, team, key)
        self.rank, self.until_s, self.order = rank, until_s, next(ORDER)


def served(queue: FairQueue[One], times: int) -> list[One]:
    found = []
    for _ in range(times):
        one = queue.first(lambda _: True)
        assert one is not None
        queue.serve(one)
        found.append(one)
    return found


def test_who_floods_gets_no_more_than_its_weight() -> None:
    queue: FairQueue[One] = FairQueue({"small": 3})
    for _ in range(100):
        queue.add(One("flood"))
    for _ in range(30):
        queue.add(One("small"))
    first = Counter(one.path[0] for one in served(queue, 40))
    assert first == {"small": 30, "flood": 10}
    assert {one.path[0] for one in served(queue, 90)} == {"flood"}
    assert not queue


def test_teams_and_keys_of_one_organisation_share_alike() -> None:
    queue: FairQueue[One] = FairQueue({"a/search": 2})
    for _ in range(50):
        queue.add(One("a", "chat", "loud"))
    for _ in range(20):
        queue.add(One("a", "search"))
        queue.add(One("a", "chat", "quiet"))
    first = Counter(one.path[1:] for one in served(queue, 24))
    assert first == {("search", "k"): 16, ("chat", "loud"): 4, ("chat", "quiet"): 4}


def test_of_whom_a_part_waits_here_that_part_of_its_weight_counts() -> None:
    queue: FairQueue[One] = FairQueue({"small": 3})
    for _ in range(40):
        queue.add(One("flood"))
        queue.add(One("small"))
    assert queue.spread({"small": 1.0, "flood": 0.25}.__getitem__) == 3.25
    assert Counter(one.path[0] for one in served(queue, 26)) == {"small": 24, "flood": 2}


def test_who_pauses_saves_nothing_up() -> None:
    queue: FairQueue[One] = FairQueue({})
    for _ in range(40):
        queue.add(One("steady"))
    served(queue, 20)
    for _ in range(10):
        queue.add(One("late"))
    assert Counter(one.path[0] for one in served(queue, 10)) == {"steady": 5, "late": 5}


def test_the_urgent_go_first_within_a_key_then_who_can_wait_least() -> None:
    queue: FairQueue[One] = FairQueue({})
    patient, hurried, high = One("a", until_s=9), One("a", until_s=2), One("a", rank=2, until_s=20)
    for one in (patient, hurried, high):
        queue.add(one)
    assert served(queue, 3) == [high, hurried, patient]


def test_who_can_not_be_served_is_passed_over_but_not_by_its_own_kind() -> None:
    queue: FairQueue[One] = FairQueue({})
    large, behind, other = One("a"), One("a", until_s=5), One("b")
    for one in (large, behind, other):
        queue.add(one)
    assert queue.first(lambda one: one is not large) is other
    queue.remove(other)
    assert queue.first(lambda one: one is not large) is None


def test_the_longest_line_loses_its_last() -> None:
    queue: FairQueue[One] = FairQueue({"heavy": 4})
    flood = [One("flood", until_s=second) for second in range(5)]
    heavy = [One("heavy") for _ in range(8)]
    for one in (*flood, *heavy):
        queue.add(one)
    comer = One("small")
    queue.add(comer)
    assert queue.last(comer) is flood[-1]
    queue.remove(flood[-1])
    another = One("flood", until_s=99)
    queue.add(another)
    assert queue.last(another) is another


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), min_size=1, max_size=60))
def test_all_are_served_once_and_no_share_is_off_by_more_than_one(
    comers: list[tuple[str, int]],
) -> None:
    queue: FairQueue[One] = FairQueue({})
    waiting = [One(org, rank=rank) for org, rank in comers]
    for one in waiting:
        queue.add(one)
    found = served(queue, len(waiting))
    assert {one.order for one in found} == {one.order for one in waiting}
    least = min(Counter(org for org, _ in comers).values())
    orgs = sorted({org for org, _ in comers})
    early = Counter(one.path[0] for one in found[: least * len(orgs)])
    assert early == dict.fromkeys(orgs, least)

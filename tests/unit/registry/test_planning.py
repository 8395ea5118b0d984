from hypothesis import given
from hypothesis import strategies as st

from legato.core.registry import Kind, ObjectName
from legato.registry.planning import PlannedMove, Present, Wanted, plan
from legato.storage.registry.records import Details, LabelRecord

GREETING = ObjectName(Kind.PROMPT, "greeting")
TONE = ObjectName(Kind.PROMPT, "tone")
NOBODY = Details()


def wanted(name: ObjectName, digest: str, *labels: str, owner: str = "") -> Wanted:
    return Wanted(name, digest, labels, Details(owner))


def present(*labels: tuple[ObjectName, str, str]) -> Present:
    return Present(
        [LabelRecord(name, label, digest, 1, 0) for name, label, digest in labels],
        {name: frozenset({digest}) for name, _, digest in labels},
        {name: NOBODY for name, _, _ in labels},
    )


def test_everything_is_new_where_nothing_is() -> None:
    found = plan([wanted(GREETING, "a1", "production", "staging")], present())
    assert [one.digest for one in found.versions] == ["a1"]
    assert found.moves == (
        PlannedMove(GREETING, "production", "", "a1"),
        PlannedMove(GREETING, "staging", "", "a1"),
    )
    assert found.described == ()


def test_a_label_that_no_document_has_goes() -> None:
    there = present((GREETING, "production", "a1"), (TONE, "production", "b1"))
    found = plan([wanted(GREETING, "a1", "production")], there)
    assert found.versions == ()
    assert found.moves == (PlannedMove(TONE, "production", "b1", ""),)


def test_a_data_set_that_no_document_names_stays() -> None:
    capitals, other = ObjectName(Kind.DATASET, "capitals"), ObjectName(Kind.DATASET, "other")
    there = present((capitals, "production", "a1"), (capitals, "old", "a1"), (other, "x", "b1"))
    found = plan([wanted(capitals, "a1", "production")], there)
    assert found.moves == (PlannedMove(capitals, "old", "a1", ""),)


def test_known_content_is_no_new_version() -> None:
    there = Present([], {GREETING: frozenset({"a1"})}, {GREETING: NOBODY})
    found = plan([wanted(GREETING, "a1", "production")], there)
    assert (found.versions, len(found.moves)) == ((), 1)


def test_who_answers_is_part_of_what_is_said() -> None:
    there = present((GREETING, "production", "a1"))
    found = plan([wanted(GREETING, "a1", "production", owner="support")], there)
    assert found.described == (GREETING,)
    assert not found.empty


_NAMES = st.sampled_from([GREETING, TONE])
_LABELS = st.dictionaries(
    st.tuples(_NAMES, st.sampled_from(["production", "staging"])), st.sampled_from(["a1", "b2"])
)


@given(_LABELS, _LABELS)
def test_a_plan_leads_to_what_is_wanted(
    aims: dict[tuple[ObjectName, str], str], there: dict[tuple[ObjectName, str], str]
) -> None:
    found = plan(
        [wanted(name, digest, label) for (name, label), digest in aims.items()],
        present(*[(name, label, digest) for (name, label), digest in there.items()]),
    )
    after = dict(there)
    for move in found.moves:
        assert after.get((move.name, move.label), "") == move.from_digest
        after[move.name, move.label] = move.to_digest
    assert {key: digest for key, digest in after.items() if digest} == aims

"""Every table says where it stands to people, and how long its rows are kept."""

from collections import Counter

from legato.core.config_retention import RetentionDays
from legato.storage.privacy.keeping import OTHERWISE, RULES, tables_of
from legato.storage.privacy.people import KINDS, OF_NOBODY
from legato.storage.tables.schema import metadata

PLACE = "place it in storage/privacy/people.py: in a kind, with its rows in an export, or OF_NOBODY"


def test_every_table_is_of_people_or_says_why_it_is_not() -> None:
    named = Counter(table for kind in KINDS for table in kind.tables)
    named.update(list(OF_NOBODY))
    assert set(metadata.tables) - set(named) == set(), PLACE
    assert set(named) - set(metadata.tables) == set()
    assert max(named.values()) == 1
    assert all(OF_NOBODY.values())


KEPT = (
    "place it in storage/privacy/keeping.py: in a rule of retention, or OTHERWISE with the reason"
)


def test_every_table_has_a_rule_of_retention_or_a_reason() -> None:
    ruled = Counter(table.name for one in RULES.values() for k in one for table in tables_of(k))
    ruled.update(list(OTHERWISE))
    assert set(metadata.tables) - set(ruled) == set(), KEPT
    assert set(ruled) - set(metadata.tables) == set()
    assert max(ruled.values()) == 1
    assert all(OTHERWISE.values())


def test_every_rule_of_retention_is_a_setting_and_names_columns_that_are_there() -> None:
    assert set(RULES) == set(RetentionDays.__struct_fields__)
    for one in RULES.values():
        for keeping in one:
            assert {keeping.at, "org"} <= set(keeping.table.c.keys())
            for part in keeping.parts:
                assert set(part.own) <= set(part.table.c.keys())
                assert set(part.of) <= set(keeping.table.c.keys())

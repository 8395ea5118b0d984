"""What is exported about people and what is erased of them is one list, over every table."""

from legato.app.desks.erasing import Erasing
from legato.app.desks.subject_export import SubjectExporting
from legato.storage.privacy.people import CONTENT, FIGURES, KINDS, OF_NOBODY
from legato.storage.privacy.subject_rows import PLACES
from legato.storage.tables.schema import metadata

NAMES_PEOPLE = {
    "end_user", "origin_user", "pseudonym", "account_id", "origin_request", "live_request_id",
}  # fmt: skip
NOT_THEIRS = {"voided_attempt", "open_intent", "open_progress"}


def test_a_table_with_a_column_for_somebody_is_of_people() -> None:
    for table in metadata.tables.values():
        columns = {column.name for column in table.columns}
        if columns & NAMES_PEOPLE or ("request_id" in columns and table.name not in NOT_THEIRS):
            assert table.name not in OF_NOBODY, table.name


def test_an_export_reads_every_kind_and_an_erasure_takes_what_does_not_stay() -> None:
    exporting = object.__new__(SubjectExporting)
    exporting._stores = _Nothing()
    otherwise = set(exporting._otherwise(_Nothing()))
    assert set(PLACES) | otherwise == {kind.name for kind in KINDS}
    assert not set(PLACES) & otherwise
    erasing = object.__new__(Erasing)
    erasing._org, erasing._rooms = "default", _Nothing()
    erased = set(erasing._kinds(_Nothing(), _Nothing(), dry_run=True))
    assert erased == {kind.name for kind in CONTENT}
    assert all(kind.stays for kind in FIGURES)
    assert not any(kind.stays for kind in CONTENT)


class _Nothing:
    user = ""
    requests: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> "_Nothing":
        return self

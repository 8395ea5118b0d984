import pytest

from legato.api.control.etags import etag, matched_version
from legato.core.errors import PreconditionFailed, PreconditionRequired


def test_a_version_comes_back_from_its_etag() -> None:
    assert matched_version(etag(7)) == 7


@pytest.mark.parametrize("sent", [None, "*", " * "])
def test_a_change_must_name_its_version(sent: str | None) -> None:
    with pytest.raises(PreconditionRequired):
        matched_version(sent)


@pytest.mark.parametrize(
    "sent", ["7", 'W/"7"', '"07"', '"x"', '"1", "2"', "", '"' + "9" * 30 + '"']
)
def test_what_is_no_etag_of_ours_matches_nothing(sent: str) -> None:
    with pytest.raises(PreconditionFailed):
        matched_version(sent)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.api.control.cursors import Cursors
from legato.core.errors import InvalidRequest

CURSORS = Cursors(b"k" * 32)


@given(st.text(max_size=50).filter(lambda text: text.isascii()))
def test_a_cursor_gives_back_what_it_stands_behind(after: str) -> None:
    assert CURSORS.read("keys", CURSORS.make("keys", after)) == after


@pytest.mark.parametrize("cursor", ["", "a", "!!!", "é", "A" * 500, "AAAA"])
def test_what_we_did_not_make_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="no cursor of this list"):
        CURSORS.read("keys", cursor)


def test_a_cursor_of_another_list_another_instance_or_altered_is_refused() -> None:
    made = CURSORS.make("keys", "0123")
    altered = ("B" if made[-2] != "B" else "C").join((made[:-2], made[-1]))
    for cursors, of, cursor in (
        (CURSORS, "teams", made),
        (Cursors(b"x" * 32), "keys", made),
        (CURSORS, "keys", altered),
    ):
        with pytest.raises(InvalidRequest):
            cursors.read(of, cursor)

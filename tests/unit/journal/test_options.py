from __future__ import annotations

import pytest

from legato.journal.options import WriterOptions


def test_a_segment_must_hold_a_settle() -> None:
    with pytest.raises(ValueError, match="segment_bytes"):
        WriterOptions(segment_bytes=2048, settle_bytes_max=2048)


def test_the_default_segment_holds_thousands_of_settles() -> None:
    assert WriterOptions().settles_per_segment > 8000

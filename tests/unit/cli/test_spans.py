import click
import pytest

from legato.cli.spans import moment, span, time_text

NOW_NS = 1_800_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("24h", 86_400), ("30d", 2_592_000)]
)
def test_a_span_is_seconds(text: str, seconds: int) -> None:
    assert span(text) == seconds
    assert moment(text).after(NOW_NS) - NOW_NS == seconds * 10**9
    assert NOW_NS - moment(text).before(NOW_NS) == seconds * 10**9


def test_a_date_is_utc_and_a_zone_is_heard() -> None:
    assert moment("1970-01-02").after(NOW_NS) == 86_400 * 10**9
    assert moment("1970-01-02T00:00:00+02:00").before(NOW_NS) == 79_200 * 10**9


@pytest.mark.parametrize("text", ["", "soon", "24", "h", "-1h", "1y"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="24h"):
        span(text)
    with pytest.raises(click.BadParameter, match="30d"):
        moment(text)


def test_time_is_written_in_utc() -> None:
    assert time_text(NOW_NS) == "2027-01-15 08:00:00Z"
    assert time_text(None) == ""

"""What apprise says of a failure is cleared of its URL."""

from legato.notify.apprise_process import cleared


def test_nothing_of_a_url_stays() -> None:
    url = "slack://bot-name@T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#team%2Dspend"
    told = "Failed to send T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ to team-spend: error=404."
    assert cleared(told, url) == "Failed to send ***/***/*** to ***: error=404."

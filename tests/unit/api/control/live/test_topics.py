"""Which topics a change concerns, and who hears of them."""

import pytest

from legato.api.control.live.topics import TOPICS, heard, topics_of
from legato.core.tenant import EVERY_TENANT, Area, Areas, Reach, Tenant
from legato.storage.changes import Change

OF_ACME = Change("ledger_entry", Area("acme", "sales", "mail"))
MOVED = Change("audit_event", Area("acme"), "registry.move")


@pytest.mark.parametrize(
    ("change", "topics"),
    [
        (OF_ACME, {"requests", "spend"}),
        (Change("trace_block", Area("acme")), {"requests"}),
        (MOVED, {"audit", "registry"}),
        (Change("audit_event", Area("acme"), "task.read"), {"audit"}),
        (Change("audit_event", Area("acme"), "access.refuse"), {"audit"}),
        (Change("audit_event", Area("acme"), "something.new"), {"audit"}),
    ],
)
def test_a_change_concerns_topics(change: Change, topics: set[str]) -> None:
    assert set(topics_of(change)) == topics
    assert topics <= TOPICS.keys()


@pytest.mark.parametrize(
    ("reach", "spend", "registry"),
    [
        (EVERY_TENANT, True, True),
        (Tenant("acme"), True, True),
        (Tenant("other"), False, False),
        (Areas((Area("acme", "sales"),)), True, False),  # labels are the organisation's
        (Areas((Area("acme", "support"),)), False, False),
        (Areas((Area("acme", "sales", "chat"), Area("other", "sales"))), False, False),
    ],
)
def test_one_hears_of_what_is_within_reach(reach: Reach, *, spend: bool, registry: bool) -> None:
    topics = heard([OF_ACME, MOVED], {"spend": reach, "registry": reach})
    assert topics == [
        name for name, is_heard in (("registry", registry), ("spend", spend)) if is_heard
    ]
    assert heard([OF_ACME, MOVED], {"tasks": reach}) == []

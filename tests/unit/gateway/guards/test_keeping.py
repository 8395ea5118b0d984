"""What stands for redacted values is handed over in time that grows with them, not faster."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from legato.core.guarding import Finding, Piece
from legato.gateway.guards.keeping import MapOffer, keep_map
from legato.guardrails.redaction import Redaction

KEEP = SimpleNamespace(redaction=SimpleNamespace(keep=SimpleNamespace(who=None, retention_days=1)))
TOOK_S: dict[int, float] = {}
POLICY = SimpleNamespace(setting=KEEP, version="company")


def kept(values: list[str], grown: str = "") -> MapOffer:
    """Keep values; `grown` is behind the first, of another detector that no policy keeps."""
    text = ""
    hits, findings = [], []
    for number, value in enumerate(values):
        found = Finding("EMAIL_ADDRESS", len(text), len(text) + len(value))
        text += value + (grown if not number else "")
        findings.append(Finding("EMAIL_ADDRESS", found.start, len(text)))
        hits.append((found, text))
        text += ", "
    piece = Piece(text, "/a")
    redaction = Redaction()
    redaction.redacted(
        [SimpleNamespace(piece=piece, findings=findings, surrogates=frozenset())], [piece]
    )
    caller = SimpleNamespace(live=True, org="acme")
    call: Any = SimpleNamespace(
        redaction=redaction, caller=caller, request_id="r", user="", arrived_ns=0
    )
    verdict: Any = SimpleNamespace(
        kept=[SimpleNamespace(piece=piece, finding=one, policy=POLICY) for one, _ in hits]
    )
    offers: list[MapOffer] = []
    began = time.process_time()
    keep_map(call, verdict, offers.append)
    TOOK_S[len(values)] = time.process_time() - began
    (offer,) = offers
    return offer


def test_values_that_grew_together_are_kept_whole() -> None:
    offer = kept(["ann@corp.example", "bob@corp.example"], " (Berlin)")
    assert sorted(offer.values.values()) == ["ann@corp.example (Berlin)", "bob@corp.example"]
    assert offer.head.count == 2


def test_thousands_of_values_take_no_square_of_time() -> None:
    for count in (500, 4_000):
        values = [f"user{number}.name@corp{number % 97}.example" for number in range(count)]
        assert kept(values, " x").head.count == count
    assert TOOK_S[4_000] < 40 * TOOK_S[500], "of eight times as many it was fifty times as long"

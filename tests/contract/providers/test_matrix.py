"""Every caller's dialect in front of every provider's: what is asked arrives, or its loss is told.

A cell is a feature, a caller that has words for it and a provider, whole and streamed. Its outcome
stands in a table: it arrives, it is refused by name (and left out where a route says so), it is
refused under any policy, or it is left out and the documents say so. A dialect that is new has no
cells yet, which fails.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.append(str(Path(__file__).parent))
from matrix import CALLERS, KINDS, PROVIDERS, SPEAKS, Always, At, Left, Refused, body_of
from matrix_contents import CONTENTS
from matrix_documents import DOCUMENTS
from matrix_options import OPTIONS
from subjects import SURFACES

from legato.app.config.provider_kinds import BUILT_IN
from legato.core.errors import InvalidRequest
from legato.core.wire import Dialect, Operation
from legato.gateway.translate import translated_request
from legato.providers.base import Target

FEATURES = CONTENTS | DOCUMENTS | OPTIONS
DOCS = Path(__file__).parents[3] / "docs" / "reference"
MENDED = {("googles_signature", "anthropic")}
"""Not passed on though the dialects are the same: see `test_foreign_signatures.py`."""
CELLS = [
    (feature, caller, provider)
    for feature, told in FEATURES.items()
    for caller in told.says
    for provider in PROVIDERS
]


def test_every_dialect_has_its_cells() -> None:
    chats = {dialect for dialect, operation in SURFACES if operation is Operation.CHAT}
    assert {surface.dialect for surface in CALLERS.values()} == chats
    assert KINDS.keys() == BUILT_IN
    assert set(KINDS.values()) == PROVIDERS.keys()
    assert {one.open().dialect for one in PROVIDERS.values()} | chats == set(Dialect)
    for name, feature in FEATURES.items():
        assert feature.becomes.keys() == PROVIDERS.keys(), name
        assert feature.says, name


@pytest.mark.parametrize(("feature", "caller", "provider"), CELLS)
def test_what_is_asked_arrives_or_its_loss_is_told(
    feature: str, caller: str, provider: str
) -> None:
    fields, outcome = FEATURES[feature].says[caller], FEATURES[feature].becomes[provider]
    for stream in (False, True):
        body = body_of(caller, fields, stream=stream)
        if SPEAKS.get(caller) == provider:
            if (feature, provider) not in MENDED:
                assert_unread(caller, provider, body)
            continue
        if isinstance(outcome, Always):
            assert refused(caller, provider, body, drop=False).startswith(outcome.param)
            assert refused(caller, provider, body, drop=True).startswith(outcome.param)
            continue
        if isinstance(outcome, Refused):
            param = outcome.param or next(iter(fields))
            assert refused(caller, provider, body, drop=False) == param
        wire = written(caller, provider, body, drop=isinstance(outcome, Refused))
        if isinstance(outcome, At):
            assert outcome.holds(wire), wire
        if isinstance(outcome, Left):
            assert outcome.words in documents()


def written(caller: str, provider: str, body: dict[str, Any], *, drop: bool) -> Any:
    """The provider's body, which its dialect's judge has passed."""
    asked = PROVIDERS[provider]
    CALLERS[caller].read(body)
    target = Target(asked.model)
    request = translated_request(CALLERS[caller], body, asked.open(), target, drop=drop)
    wire = msgspec.json.decode(request.body)
    asked.judge(wire)
    streams = "stream" in request.path.decode().lower() or wire.get("stream") is True
    assert streams is body.get("stream", False)
    return wire


def refused(caller: str, provider: str, body: dict[str, Any], *, drop: bool) -> str:
    with pytest.raises(InvalidRequest) as problem:
        written(caller, provider, body, drop=drop)
    return problem.value.param or ""


def assert_unread(caller: str, provider: str, body: dict[str, Any]) -> None:
    """Between equal dialects all passes as it came."""
    view = CALLERS[caller].read(body)
    request = PROVIDERS[provider].open().request(Operation.CHAT, body, view, Target("m"))
    wire = msgspec.json.decode(request.body)
    wire.pop("stream_options", None)  # ours: it asks for the usage
    assert wire == {**body, "model": "m"}


def documents() -> str:
    return " ".join(" ".join(page.read_text() for page in DOCS.glob("*.md")).split())

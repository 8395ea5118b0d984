"""What would give somebody a role nowhere, or everywhere, is said at the start."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.app.checks.accounts import problems_of_accounts
from legato.core.config import Config


def found(**place: Any) -> list[tuple[str | int, ...]]:
    mapping = {"claim": "groups", "value": "staff", "role": "viewer", **place}
    provider = {
        "name": "op",
        "issuer": "https://op.test",
        "client_id": "legato",
        "role_mapping": [mapping],
    }
    accounts = {"external_url": "https://legato.test", "oidc": [provider]}
    config = msgspec.convert({"config_version": 1, "accounts": accounts}, Config)
    return [at for at, _, _ in problems_of_accounts(config)]


@pytest.mark.parametrize(
    ("place", "field"),
    [({"feature": "chat"}, "team"), ({"instance": True, "feature": "chat"}, "instance")],
)
def test_a_place_that_is_none_is_named(place: dict[str, Any], field: str) -> None:
    assert found(**place) == [("oidc", 0, "role_mapping", 0, field)]


@pytest.mark.parametrize(
    "place", [{}, {"team": "t"}, {"team": "t", "feature": "f"}, {"instance": True}]
)
def test_a_place_has_no_problems(place: dict[str, Any]) -> None:
    assert found(**place) == []

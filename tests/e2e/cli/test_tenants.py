"""Organisations, teams and features at the terminal, and accounts named as people know them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Legato


def test_places_are_made_titled_and_listed(legato: Legato) -> None:
    made = [
        legato("tenants", "create", "acme", "--title", "Acme Ltd"),
        legato("tenants", "create", "support", "--org", "acme"),
        legato("tenants", "create", "triage", "--org", "acme", "--team", "support"),
        legato("tenants", "title", "support", "Support desk", "--org", "acme"),
    ]
    assert [done.returncode for done in made] == [0] * 4, [done.stderr for done in made]
    listed = legato("tenants", "list", "--json")
    assert json.loads(listed.stdout) == [
        {"org": "acme", "team": "", "feature": "", "title": "Acme Ltd"},
        {"org": "acme", "team": "support", "feature": "", "title": "Support desk"},
        {"org": "acme", "team": "support", "feature": "triage", "title": ""},
    ]
    for arguments, told in (
        (("acme",), "named acme already"),
        (("a b",), "is no name"),
        (("x", "--team", "support"), "name it with --org"),
        (("x", "--org", "acme", "--team", "sales"), "there is no team 'sales'"),
    ):
        refused = legato("tenants", "create", *arguments)
        assert refused.returncode != 0
        assert told in refused.stderr


def test_an_account_is_named_by_its_address(legato: Legato) -> None:
    address = "ann@example.com"
    early = legato("accounts", "create", address, "--role", "finance", "--org", "acme")
    assert "`legato tenants create acme` makes it" in early.stderr
    assert legato("tenants", "create", "acme").returncode == 0
    made = legato("accounts", "create", address, "--role", "finance", "--org", "acme")
    assert made.returncode == 0, made.stderr
    may = legato("can", address, "control:ledger:read", "--org", "acme")
    assert (may.returncode, may.stdout[:4]) == (0, "yes:")
    assert legato("can", address, "control:key:create", "--org", "acme").returncode == 1
    bound = legato("roles", "bind", address, "developer", "--org", "acme")
    assert bound.returncode == 0, bound.stderr
    assert legato("can", address, "control:key:create", "--org", "acme").returncode == 0
    assert "vouched" not in may.stdout, "nobody has chosen a password yet"
    nobody = legato("can", "eve@example.com", "control:ledger:read")
    assert "no account is called eve@example.com" in nobody.stderr

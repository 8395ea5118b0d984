from typing import Any

import pytest

from legato.core.config_accounts import OidcProvider, RoleMapping
from legato.identity.oidc.mapping import bindings_of, lacks, values_of

CONFIG = OidcProvider(
    name="op",
    issuer="https://op.test",
    client_id="legato",
    org="acme",
    role_mapping=[
        RoleMapping(claim="groups", value="staff", role="viewer"),
        RoleMapping(claim="realm.roles", value="staff", role="viewer"),
        RoleMapping(claim="groups", value="ops", role="admin", instance=True),
        RoleMapping(claim="dept", value="7", role="analyst", team="support"),
    ],
)


@pytest.mark.parametrize(
    ("claims", "path", "values"),
    [
        ({"groups": ["a", "b", 3, None]}, "groups", {"a", "b"}),
        ({"groups": "a"}, "groups", {"a"}),
        ({"realm": {"roles": ["a"]}}, "realm.roles", {"a"}),
        ({"https://x.test/roles": ["a"]}, "https://x.test/roles", {"a"}),
        ({"groups": {"a": True}}, "groups", set()),
        ({"groups": True}, "groups", set()),
        ({"realm": "a"}, "realm.roles", set()),
        ({}, "groups", set()),
    ],
)
def test_texts_at_a_path(claims: dict[str, Any], path: str, values: set[str]) -> None:
    assert values_of(claims, path) == values


def test_claims_become_roles_each_once() -> None:
    claims = {"groups": ["staff", "ops"], "realm": {"roles": ["staff"]}, "dept": 7}
    found = bindings_of(claims, CONFIG, "a")
    assert [(one.role, one.org, one.team) for one in found] == [
        ("viewer", "acme", ""),
        ("admin", "*", ""),
    ]
    assert bindings_of({"groups": ["Staff", "staffing"]}, CONFIG, "a") == []


def test_userinfo_is_asked_where_a_mapped_claim_is_missing() -> None:
    every = {"email": "x", "groups": [], "realm": {}, "dept": "7"}
    assert not lacks(every, CONFIG)
    assert lacks({**every, "email": None} | {"x": 1}, CONFIG) is False
    assert lacks({"email": "x"}, CONFIG)

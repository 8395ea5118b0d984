"""Signing in by a real OpenID provider process: people, roles, rotation of keys, forgeries."""

from __future__ import annotations

import json
import subprocess
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from openid import SECRET, Provider, why_not
from running import ADMIN, Answer, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
V1 = "/api/v1"
OUTSIDE = "http://legato.test"
START = f"{V1}/login/oidc/op?next=/ui/"
CONFIG = """\
config_version: 1
accounts:
  external_url: "http://legato.test"
  passwords: false
  oidc:
    - name: op
      title: Staff
      issuer: "ISSUER"
      client_id: legato
      client_secret: {env: CLIENT_SECRET}
      scopes: [openid, profile, email, groups]
      role_mapping:
        - {claim: groups, value: finance, role: finance}
        - {claim: groups, value: platform, role: admin, instance: true}
keys:
  - {name: admin, team: ops, feature: admin, admin: true, secret: {env: ADMIN_KEY}}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    running = Provider(OUTSIDE)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[RunningLegato]:
    config = CONFIG.replace("ISSUER", provider.issuer)
    variables = {"ADMIN_KEY": ADMIN, "CLIENT_SECRET": SECRET}
    running = RunningLegato(tmp_path_factory.mktemp("sso"), config, variables=variables)
    yield running
    log = running.log.read_text()
    assert running.stop() == 0
    assert "a control request failed" not in log
    assert SECRET not in log


def cookie_in(answer: Answer, name: str) -> str:
    for line in answer.headers["set-cookie"].split(", "):
        for key, morsel in SimpleCookie(line).items():
            if key == name and morsel.value:
                return f"{key}={morsel.value}"
    raise AssertionError(answer.headers)


def come_back(legato: RunningLegato, provider: Provider) -> tuple[str, str]:
    """Begin, and return the way back with the browser's cookie."""
    begun = legato.send("GET", START, None, {})
    assert begun.status == 302, begun.body
    return provider.followed(begun.headers["location"]), cookie_in(begun, "legato-sign-in")


def sign_in(legato: RunningLegato, provider: Provider) -> Answer:
    back, cookie = come_back(legato, provider)
    return legato.send("GET", back, None, {"cookie": cookie})


def me(legato: RunningLegato, signed_in: Answer) -> dict[str, Any]:
    found: dict[str, Any] = get(legato, signed_in, "/me").json
    return found


def get(legato: RunningLegato, signed_in: Answer, path: str) -> Answer:
    cookie = cookie_in(signed_in, "legato-session")
    return legato.send("GET", V1 + path, None, {"cookie": cookie})


def person(provider: Provider, sub: str, *groups: str, **claims: Any) -> None:
    told = {"email": f"{sub}@example.com", "name": sub.title(), "groups": groups, **claims}
    provider.tell("/test/person", {"sub": sub, **told})


def test_a_person_gets_an_account_and_the_roles_of_their_groups(
    legato: RunningLegato, provider: Provider
) -> None:
    offered = legato.send("GET", f"{V1}/sign-in", None, {}).json
    assert offered["passwords"] is False
    assert offered["providers"] == [{"name": "op", "title": "Staff", "url": f"{V1}/login/oidc/op"}]
    person(provider, "ann", "finance", "unknown")
    first = sign_in(legato, provider)
    assert (first.status, first.headers["location"]) == (302, "/ui/"), first.body
    told = me(legato, first)
    assert [(one["role"], one["org"]) for one in told["roles"]] == [("finance", "default")]
    assert get(legato, first, "/session").json["account"]["email"] == "ann@example.com"

    person(provider, "ann", "platform")
    again = me(legato, sign_in(legato, provider))
    assert again["key_id"] == told["key_id"], "the same account"
    assert [(one["role"], one["org"]) for one in again["roles"]] == [("admin", "*")]
    assert me(legato, first)["roles"] == again["roles"], "at once, in every session"

    person(provider, "ann", "unknown")
    refused = sign_in(legato, provider)
    assert (refused.status, refused.error["field"]) == (401, "role_mapping")
    assert get(legato, first, "/me").status == 401, "whoever has no role any more is out"
    rows = legato.get(f"{V1}/accounts", ADMIN).json["data"]
    assert [(one["email"], one["provider"]) for one in rows] == [("ann@example.com", "op")]


def test_keys_are_rotated_while_it_runs(legato: RunningLegato, provider: Provider) -> None:
    person(provider, "bob", "finance")
    assert sign_in(legato, provider).status == 302
    provider.tell("/test/rotate")
    person(provider, "bob", "finance")
    deadline = 12
    answer = sign_in(legato, provider)
    while answer.status != 302 and deadline:  # new keys are asked for at most each 10 s
        deadline -= 1
        assert answer.error["field"] == "id_token"
        subprocess.run(["sleep", "1"], check=True)
        answer = sign_in(legato, provider)
    assert answer.status == 302


def test_a_way_back_serves_once_in_the_browser_that_began(
    legato: RunningLegato, provider: Provider
) -> None:
    """Case 29, of the flow; of the token itself see the unit tests."""
    person(provider, "eve", "finance")
    back, cookie = come_back(legato, provider)
    _, foreign = come_back(legato, provider)
    other, _ = come_back(legato, provider)
    for path, sent in (
        (back.replace("code=", "code=x"), {}),
        (other, {}),
        (f"{V1}/login/oidc/op/callback", {"cookie": cookie}),
        (f"{V1}/login/oidc/op/callback?code=x&state=x", {"cookie": cookie}),
    ):
        answer = legato.send("GET", path, None, sent)
        assert (answer.status, answer.error["code"]) == (401, "sign_in_refused"), path
    again, cookie = come_back(legato, provider)
    assert legato.send("GET", again, None, {"cookie": foreign}).status == 401
    assert legato.send("GET", again, None, {"cookie": cookie}).status == 401, "it is used up"
    fresh, cookie = come_back(legato, provider)
    forged = fresh.replace("iss=", "iss=x")
    assert legato.send("GET", forged, None, {"cookie": cookie}).error["field"] == "iss"
    provider.tell("/test/person", {"sub": ""})
    assert sign_in(legato, provider).error["field"] == "error"


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "a@b@evil", "/a@b@evil",
        "/..;/", "/../", "/%2e%2e/", "/%2f%2fevil", "javascript:x", "/ui/#x", "/ui\r\nx: y", "",
    ],
)  # fmt: skip
def test_one_comes_out_on_this_server_only(legato: RunningLegato, place: str) -> None:
    """Case 30."""
    from urllib.parse import quote

    path = f"{V1}/login/oidc/op?next={quote(place, safe='')}"
    answer = legato.send("GET", path, None, {})
    assert (answer.status, answer.error["field"]) == (400, "next")


def test_the_way_back_is_that_of_the_configuration(legato: RunningLegato) -> None:
    """Cases 28 and 30: no header and no parameter of the caller has a part in it."""
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    path = f"{START}&redirect_uri=https://evil.example/&state=mine&nonce=mine"
    begun = legato.send("GET", path, None, forged)
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{OUTSIDE}{V1}/login/oidc/op/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert "mine" not in {*asked["state"], *asked["nonce"]}
    assert legato.send("GET", f"{V1}/login/oidc/nobody", None, {}).status == 404


def test_a_person_who_is_refused_comes_out_at_the_sign_in_page(
    legato: RunningLegato, provider: Provider
) -> None:
    person(provider, "nobody", "no-group-of-ours", email="nobody@example.com")
    back, cookie = come_back(legato, provider)
    browser = {"cookie": cookie, "accept": "text/html,application/xhtml+xml"}
    answer = legato.send("GET", back, None, browser)
    place = urljoin(f"{OUTSIDE}{back}", answer.headers["location"])
    assert (answer.status, place) == (302, f"{OUTSIDE}/ui/?refused=role_mapping")
    assert "legato-session=" not in answer.headers["set-cookie"]


def test_a_sign_out_leads_to_the_provider(legato: RunningLegato, provider: Provider) -> None:
    person(provider, "joe", "finance")
    signed_in = sign_in(legato, provider)
    token = get(legato, signed_in, "/session").json["csrf_token"]
    sent = {"cookie": cookie_in(signed_in, "legato-session"), "x-legato-csrf": token}
    answer = legato.send("POST", f"{V1}/logout", None, sent)
    url = answer.json["provider_url"]
    assert url.startswith(f"{provider.issuer}/session/end?")
    assert parse_qs(urlsplit(url).query)["post_logout_redirect_uri"] == [f"{OUTSIDE}/"]
    assert get(legato, signed_in, "/me").status == 401


def test_an_address_that_the_organisation_invited_makes_no_second_account(
    legato: RunningLegato, provider: Provider
) -> None:
    """An administrator of one organisation invites as `ORG:ADDRESS`: it is that person, too."""
    legato.command("tenants", "create", "acme")
    legato.command("accounts", "create", "--service", "inviter", "--role", "admin")
    told = legato.command("tokens", "create", "inviter", "--name", "t", "--expires", "1d", "--json")
    body = {"org": "default", "email": "guest@example.com"}
    made = legato.post(f"{V1}/accounts", body, json.loads(told)["secret"])
    assert made.json["account"]["login"] == "default:guest@example.com"
    person(provider, "guest", "finance")
    refused = sign_in(legato, provider)
    assert (refused.status, refused.error["field"]) == (401, "email")
    rows = legato.get(f"{V1}/accounts", ADMIN).json["data"]
    assert [one["state"] for one in rows if one["email"] == body["email"]] == ["invited"]


def test_an_address_of_another_organisation_is_another_account(
    legato: RunningLegato, provider: Provider
) -> None:
    """Accounts are each organisation's own: whoever its provider vouches for has one there."""
    legato.command("tenants", "create", "globex")
    legato.command("accounts", "create", "bea@example.com", "--org", "globex", "--role", "admin")

    def accounts() -> dict[str, dict[str, Any]]:
        rows = legato.get(f"{V1}/accounts?limit=200", ADMIN).json["data"]
        return {one["login"]: one for one in rows if one["email"] == "bea@example.com"}

    before = accounts()
    person(provider, "bea", "finance", email_verified=True)
    told = me(legato, sign_in(legato, provider))
    assert [(one["role"], one["org"]) for one in told["roles"]] == [("finance", "default")]
    now = accounts()
    assert set(now) == {"bea@example.com", "default:bea@example.com"}
    assert now["bea@example.com"] == before["bea@example.com"]
    assert me(legato, sign_in(legato, provider))["key_id"] == told["key_id"], "the same account"

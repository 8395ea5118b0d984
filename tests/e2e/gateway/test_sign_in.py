"""People and machines that administer, at a running server: sessions, delays, tokens, forgeries."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from browsers import GOOD, V1, Browser, lengthen_waits, post
from running import ADMIN, CALLER, Answer, RunningLegato

from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.storage.database.engine import open_engine
from legato.storage.tenants.roles import NewBinding, RoleBindings

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMINISTRATOR = {"authorization": f"Bearer {ADMIN}"}
CONFIG = """\
config_version: 1
accounts: {external_url: "http://legato.test"}
keys:
  - {name: admin, team: ops, feature: admin, admin: true, secret: {env: ADMIN_KEY}}
  - {name: caller, team: ops, feature: calls, secret: {env: CALLER_KEY}}
  - {name: limited, team: ops, feature: admin, admin: true, secret: {env: LIMITED_KEY},
     requests_per_minute: 100}
"""
LIMITED = "lgk-limited-" + "x" * 40


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    variables = {"ADMIN_KEY": ADMIN, "CALLER_KEY": CALLER, "LIMITED_KEY": LIMITED}
    running = RunningLegato(tmp_path_factory.mktemp("sign-in"), CONFIG, variables=variables)
    yield running
    log = running.log.read_text()
    assert running.stop() == 0
    assert "a control request failed" not in log
    assert GOOD not in log


def made(legato: RunningLegato, *roles: str, org: str = "default") -> str:
    """Make a person with roles, who has chosen a password; return the address."""
    email = f"{secrets.token_hex(4)}@example.com"
    told = post(legato, "/accounts", {"org": "default", "email": email}, ADMINISTRATOR).json
    path, token = f"/accounts/{told['account']['id']}/invite", told["invitation"]
    if roles:  # which end the first invitation
        bind(legato, told["account"]["id"], roles, org)
        token = post(legato, path, None, ADMINISTRATOR).json["invitation"]
    accepted = post(legato, "/login/invitation", {"token": token, "password": GOOD})
    assert accepted.json == {"email": email, "login": email}
    return email


def bind(legato: RunningLegato, account_id: str, roles: tuple[str, ...], org: str) -> None:
    clock = SystemClock()
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    bindings = RoleBindings(engine, clock, IdSource(clock), EVERY_TENANT)
    for role in roles:
        new = NewBinding(subject_kind="account", subject_id=account_id, role=role, org=org)
        bindings.bind(new, "test")
    engine.dispose()


def audited(legato: RunningLegato, action: str) -> list[dict[str, Any]]:
    rows = legato.query("SELECT leaf FROM audit_event WHERE action = ?", action)
    return [json.loads(row["leaf"]) for row in rows]


def test_a_person_signs_in_does_what_the_role_allows_and_signs_out(legato: RunningLegato) -> None:
    email = made(legato, "analyst")
    ann = Browser(legato)
    cookie = ann.sign_in(email).headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert ann.get("/ledger/sums").status == 200
    assert ann.get("/accounts").status == 403
    assert ann.get("/session").json["account"]["email"] == email
    (own,) = ann.get("/sessions").json["data"]
    assert own["address"] == "127.0.0.1"
    assert ann.post("/logout").status == 200
    assert ann.get("/me").error["code"] == "sign_in_refused"


def test_a_cookie_of_a_foreign_page_changes_nothing(legato: RunningLegato) -> None:
    """Case 31."""
    ann = Browser(legato)
    ann.sign_in(made(legato, "owner"))
    path = "/tokens"
    body = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}  # 400 where it is looked at
    own = {"origin": "http://legato.test", "sec_fetch_site": "same-origin"}
    assert ann.post(path, body, **own).status == ann.post(path, body).status == 400
    for forged in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://legato.test.evil.example"},
        {"origin": "http://legato.test:81"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"x_legato_csrf": "x"},
        {"x_legato_csrf": ""},
    ):
        answer = ann.post(path, body, **forged)
        assert (answer.status, answer.error["code"]) == (403, "foreign_page"), forged
    for path in ("/login", "/login/invitation"):
        answer = post(
            legato, path, {"email": "x", "password": "x"}, {"origin": "https://evil.example"}
        )
        assert answer.status == 403
    for answer in (ann.get("/me"), legato.send("OPTIONS", V1 + "/tokens", None, {})):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_forged_headers_change_nothing(legato: RunningLegato) -> None:
    """Case 28."""
    forged = {
        "host": "evil.example",
        "forwarded": "for=10.0.0.1;host=evil.example;proto=https",
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-legato-address": "10.0.0.1",
        "x-real-ip": "10.0.0.1",
    }
    assert legato.send("GET", V1 + "/me", None, forged).status == 401
    assert legato.send("GET", V1 + "/accounts", None, {**forged, "x-api-key": CALLER}).status == 403
    email = made(legato)
    body = {"email": email, "password": GOOD}
    answer = post(legato, "/login", body, forged)
    assert answer.status == 200
    assert "Secure" not in answer.headers["set-cookie"]
    cookie = answer.headers["set-cookie"].partition(";")[0]
    sent = {**forged, "cookie": cookie, "x-legato-csrf": answer.json["csrf_token"]}
    (session,) = legato.send("GET", V1 + "/sessions", None, sent).json["data"]
    assert session["address"] == "127.0.0.1"
    assert post(legato, "/logout", None, {**sent, "origin": "http://evil.example"}).status == 403


def test_failures_delay_all_alike_and_tell_nothing(legato: RunningLegato) -> None:
    email, nobody = made(legato), f"{secrets.token_hex(4)}@example.com"
    answers = {}
    for who in (email, nobody):
        wrong = {"email": who, "password": "not this one"}
        tried = [post(legato, "/login", wrong) for _ in range(5)]
        assert [one.status for one in tried] == [401] * 5
        assert int(tried[4].headers["retry-after"]) == 2
        answers[who] = [one.error["message"] for one in tried]
    assert answers[email] == answers[nobody]
    lengthen_waits(legato, 600)
    for who in (email, nobody):
        late = post(legato, "/login", {"email": who, "password": GOOD})
        assert late.status == 429, "the right one waits as well"
        assert 590 < int(late.headers["retry-after"]) <= 602
    unlock(legato, email)
    assert Browser(legato).sign_in(email).status == 200
    refused = audited(legato, "login.refuse")
    assert {one["subject"]["kind"] for one in refused} == {"account", "login"}
    assert audited(legato, "login.lock")
    leaves = [bytes(row["leaf"]) for row in legato.query("SELECT leaf FROM audit_event")]
    assert not [leaf for leaf in leaves for who in (email, nobody) if who.encode() in leaf]


def test_a_token_may_less_and_never_more_than_its_account(legato: RunningLegato) -> None:
    body = {"org": "default", "kind": "service", "name": secrets.token_hex(4)}
    told = post(legato, "/accounts", body, ADMINISTRATOR).json["account"]
    bind(legato, told["id"], ("admin",), "default")
    path = f"/accounts/{told['id']}/tokens"

    def token(*permissions: str) -> dict[str, Any]:
        at = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        wanted = {"name": "ci", "expires_at": at, "permissions": permissions}
        made_token: dict[str, Any] = post(legato, path, wanted, ADMINISTRATOR).json
        return made_token

    every, narrow = token(), token("control:ledger:read")
    assert every["secret"].startswith("lgt-")
    assert legato.get(V1 + "/accounts", every["secret"]).status == 200
    assert legato.get(V1 + "/accounts", narrow["secret"]).status == 403
    assert legato.get(V1 + "/ledger/sums", narrow["secret"]).status == 200
    more = {"name": "more", "expires_at": "2030-01-01T00:00:00Z"}
    assert legato.post(V1 + "/tokens", more, every["secret"]).status == 400, "that needs a session"
    assert legato.post(V1 + "/tokens", more, narrow["secret"]).status == 403
    assert legato.chat("chat", key=every["secret"]).status == 401, "models are called by keys"
    ended = post(legato, f"{path}/{every['token']['id']}/revoke", None, ADMINISTRATOR)
    assert ended.json["revoked_at"] is not None
    assert legato.get(V1 + "/me", every["secret"]).status == 401
    post(legato, f"/accounts/{told['id']}/disable", None, ADMINISTRATOR)
    assert legato.get(V1 + "/me", narrow["secret"]).status == 401


def service(legato: RunningLegato, *roles: str) -> str:
    """Make a service account with roles; return its id."""
    body = {"org": "default", "kind": "service", "name": secrets.token_hex(4)}
    told = post(legato, "/accounts", body, ADMINISTRATOR).json["account"]
    bind(legato, told["id"], roles, "default")
    return str(told["id"])


def wanted_token(lasts: timedelta, **more: Any) -> dict[str, Any]:
    at = f"{datetime.now(UTC) + lasts:%Y-%m-%dT%H:%M:%SZ}"
    return {"name": "ci", "expires_at": at, **more}


def test_a_key_sheds_no_limit_by_an_account(legato: RunningLegato) -> None:
    machine, ann = service(legato), account_id(legato, made(legato))
    role = {"subject_kind": "account", "subject_id": machine, "role": "admin", "org": "default"}
    calls: tuple[tuple[str, dict[str, Any] | None], ...] = (
        ("/accounts", {"org": "default", "kind": "service", "name": secrets.token_hex(4)}),
        (f"/accounts/{machine}/tokens", wanted_token(timedelta(days=1))),
        (f"/accounts/{ann}/invite", None),
        ("/role-bindings", role),
    )
    for path, body in calls:
        refused = post(legato, path, body, {"authorization": f"Bearer {LIMITED}"})
        assert refused.status == 403, path
        assert "requests_per_minute" in refused.error["message"]
        assert post(legato, path, body, ADMINISTRATOR).status in {200, 201}, path


def test_a_token_makes_none_that_outlasts_it(legato: RunningLegato) -> None:
    administrator, machine = service(legato, "admin"), service(legato)
    short = wanted_token(timedelta(hours=1))
    path = f"/accounts/{administrator}/tokens"
    own = post(legato, path, short, ADMINISTRATOR).json["secret"]
    headers = {"authorization": f"Bearer {own}"}
    path = f"/accounts/{machine}/tokens"
    told = post(legato, path, wanted_token(timedelta(days=300)), headers).json["token"]
    assert told["expires_at"].startswith(short["expires_at"].removesuffix("Z"))


def bearer(legato: RunningLegato, machine: str, *permissions: str) -> tuple[str, dict[str, str]]:
    """Make a token of a service account; return its id and the header that it is sent by."""
    wanted = wanted_token(timedelta(hours=1), permissions=permissions)
    told = post(legato, f"/accounts/{machine}/tokens", wanted, ADMINISTRATOR).json
    return told["token"]["id"], {"authorization": f"Bearer {told['secret']}"}


def test_a_token_for_one_thing_ends_no_other_and_hears_no_answer_to_it(
    legato: RunningLegato,
) -> None:
    machine, other, owner = service(legato, "admin"), service(legato), service(legato, "owner")
    whole_id, whole = bearer(legato, machine)
    _, narrow = bearer(legato, machine, "control:account:update")
    assert post(legato, f"/tokens/{whole_id}/revoke", None, narrow).status == 403
    owners_id, _ = bearer(legato, owner)
    path = f"/accounts/{owner}/tokens/{owners_id}/revoke"
    assert post(legato, path, None, whole).status == 403, "an owner may more"
    path, body = f"/accounts/{other}/tokens", wanted_token(timedelta(minutes=30))
    name = {"idempotency-key": secrets.token_hex(8)}
    first, again, foreign = (
        post(legato, path, body, {**headers, **name}) for headers in (whole, whole, narrow)
    )
    assert again.json == first.json
    assert (foreign.status, "idempotency-replayed" in foreign.headers) == (201, False)
    assert foreign.json["secret"] != first.json["secret"]
    assert post(legato, f"/tokens/{whole_id}/revoke", None, whole).status == 200


def account_id(legato: RunningLegato, email: str) -> str:
    rows = legato.get(V1 + "/accounts?limit=500", ADMIN).json["data"]
    return next(str(one["id"]) for one in rows if one["email"] == email)


def unlock(legato: RunningLegato, email: str) -> None:
    path = f"/accounts/{account_id(legato, email)}/unlock"
    assert post(legato, path, None, ADMINISTRATOR).status == 200


def test_nobody_acts_on_an_account_that_may_more(legato: RunningLegato) -> None:
    of_owner = account_id(legato, made(legato, "owner", org="*"))
    of_nobody = account_id(legato, made(legato))
    admin = Browser(legato)
    admin.sign_in(made(legato, "admin"))
    for command in ("invite", "disable", "unlock", "sign-out"):
        assert admin.post(f"/accounts/{of_owner}/{command}").status == 403, command
    assert admin.post(f"/accounts/{of_nobody}/disable").json["state"] == "disabled"
    assert admin.post(f"/accounts/{of_nobody}/enable").json["state"] == "active"
    assert admin.post(f"/accounts/{of_nobody}/burn").status == 404


def test_no_role_goes_to_an_account_that_may_be_in_the_wrong_hands(legato: RunningLegato) -> None:
    admin = Browser(legato)
    admin.sign_in(made(legato, "admin"))
    email = f"{secrets.token_hex(4)}@example.com"
    told = admin.post("/accounts", {"org": "default", "email": email}).json
    person, token = told["account"]["id"], told["invitation"]
    post(legato, "/login/invitation", {"token": token, "password": GOOD})

    def give(role: str) -> Answer:
        wanted = {"subject_kind": "account", "subject_id": person, "role": role, "org": "default"}
        return post(legato, "/role-bindings", wanted, ADMINISTRATOR)

    shown = legato.get(f"{V1}/accounts/{person}", ADMIN).json
    assert shown["vouched_by"].startswith("account:")
    asked = f"{V1}/can?subject=account:{person}&action=control:ledger:read"
    assert legato.get(asked, ADMIN).json["vouched_by"] == shown["vouched_by"]
    assert give("viewer").status == 201, "the admin could have given it"
    told = legato.command("can", email, "control:ledger:read")
    assert f"its password was vouched for by {shown['vouched_by']}" in told
    refused = give("owner")
    assert (refused.status, refused.error["code"]) == (409, "conflict")
    assert "couldn't give this role: invite its person again" in refused.error["message"]
    with pytest.raises(AssertionError, match="couldn't give this role"):
        legato.command("roles", "bind", email, "owner")
    again = post(legato, f"/accounts/{person}/invite", None, ADMINISTRATOR).json["invitation"]
    assert give("finance").status == 201
    assert post(legato, "/login/invitation", {"token": again, "password": GOOD}).status == 404
    again = post(legato, f"/accounts/{person}/invite", None, ADMINISTRATOR).json["invitation"]
    post(legato, "/login/invitation", {"token": again, "password": f"{GOOD}, anew"})
    assert give("owner").status == 201
    assert Browser(legato).sign_in(email).status == 401, "who chose the first password is out"


def test_a_new_password_ends_other_sessions_and_a_poor_one_is_refused(
    legato: RunningLegato,
) -> None:
    email = made(legato)
    here, there = Browser(legato), Browser(legato)
    here.sign_in(email)
    there.sign_in(email)
    path = "/me/password"
    for poor in ("short", "aaaaaaaaaaaaaaaa", email, "password1234"):
        assert here.post(path, {"current": GOOD, "new": poor}).error["field"] == "new"
    assert here.post(path, {"current": "wrong", "new": GOOD + "!"}).error["field"] == "current"
    assert here.post(path, {"current": GOOD, "new": GOOD + "!"}).status == 200
    assert (here.get("/me").status, there.get("/me").status) == (200, 401)
    assert Browser(legato).sign_in(email).status == 401
    assert Browser(legato).sign_in(email, GOOD + "!").status == 200


def test_an_erased_person_is_nowhere(legato: RunningLegato) -> None:
    email = made(legato, "owner")
    ann = Browser(legato)
    ann.sign_in(email)
    done = post(legato, "/erasures", {"user": email}, ADMINISTRATOR)
    assert done.json["erased"]["accounts"] == 1
    assert ann.get("/me").status == 401
    assert email.encode() not in legato.get(V1 + "/accounts?limit=500", ADMIN).body
    assert [path for path, content in legato.stored() if email.encode() in content] == []


def test_commands_do_the_same(legato: RunningLegato) -> None:
    name = secrets.token_hex(4)
    create = ("accounts", "create", "--service", name, "--role", "viewer", "--json")
    told = json.loads(legato.command(*create))
    shown = json.loads(legato.command("accounts", "show", name, "--json"))
    assert (shown["id"], shown["roles"]) == (told["id"], ["viewer in default"])
    options = ("--name", "ci", "--permission", "control:ledger:read", "--json")
    token = json.loads(legato.command("tokens", "create", name, *options))
    assert legato.get(V1 + "/ledger/sums", token["secret"]).status == 200
    legato.command("tokens", "revoke", name, token["id"])
    assert legato.get(V1 + "/me", token["secret"]).status == 401

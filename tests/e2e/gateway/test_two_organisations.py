"""People who work for several organisations, and what those are told of each other: nothing."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from browsers import GOOD, V1, Browser, lengthen_waits, post
from running import ADMIN, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
accounts: {external_url: "http://legato.test"}
keys:
  - {name: admin, team: ops, feature: admin, admin: true, secret: {env: ADMIN_KEY}}
"""
OTHER = "seven ships on a river"
WRONG = {"token": "lgi-nothing"}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    variables = {"ADMIN_KEY": ADMIN}
    running = RunningLegato(tmp_path_factory.mktemp("orgs"), CONFIG, variables=variables)
    running.command("tenants", "create", "acme")
    yield running
    log = running.log.read_text()
    assert running.stop() == 0
    assert "a control request failed" not in log


@pytest.fixture(scope="module")
def acme(legato: RunningLegato) -> Browser:
    """An administrator of acme, and of nothing else."""
    return signed_in(legato, person(legato, "admin", org="acme"))


def address() -> str:
    return f"{secrets.token_hex(4)}@example.com"


def person(legato: RunningLegato, *roles: str, org: str = "default", email: str = "") -> str:
    """Somebody the operator made an account for, who has chosen a password."""
    email = email or address()
    options = [word for role in roles for word in ("--role", role)]
    told = legato.command("accounts", "create", email, "--org", org, *options, "--json")
    body = {"token": json.loads(told)["invitation"], "password": GOOD}
    assert post(legato, "/login/invitation", body).status == 200
    return email


def signed_in(legato: RunningLegato, login: str, password: str = GOOD) -> Browser:
    browser = Browser(legato)
    assert browser.sign_in(login, password).status == 200, login
    return browser


def invited(by: Browser, email: str, role: str = "", org: str = "acme") -> tuple[Any, str]:
    """Invite an address, with a role where one is named; return the account and the token."""
    answer = by.post("/accounts", {"org": org, "email": email})
    assert answer.status == 201, answer.body
    told = answer.json["account"]
    if not role:
        return told, answer.json["invitation"]
    wanted = {"subject_kind": "account", "subject_id": told["id"], "role": role, "org": org}
    assert by.post("/role-bindings", wanted).status == 201
    return told, by.post(f"/accounts/{told['id']}/invite").json["invitation"]


def shape(told: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs between any two accounts."""
    drawn = {"id", "email", "login", "created_at", "signed_in_at"}
    return {name: value for name, value in told.items() if name not in drawn}


def test_who_invites_is_not_told_whether_another_organisation_has_the_address(
    legato: RunningLegato, acme: Browser
) -> None:
    """Not by any answer on the way, even where they use the invitation themselves."""
    taken, free = person(legato, "analyst"), address()
    seen: dict[str, list[Any]] = {}
    for email in (taken, free):
        told, token = invited(acme, email, "viewer")
        steps: list[Any] = [shape(told), told["login"] == f"acme:{email}"]
        steps.append(acme.post("/accounts", {"org": "acme", "email": email}).status)
        joins = acme.post("/me/invitations", {"token": token})
        steps += [joins.status, joins.error["message"]]
        used = post(legato, "/login/invitation", {"token": token, "password": OTHER})
        steps += [used.status, used.json["login"] == f"acme:{email}"]
        steps.append(post(legato, "/login", {"email": email, "password": OTHER}).status)
        there = signed_in(legato, told["login"], OTHER)
        steps.append(there.get("/me").json["roles"])
        path = f"/accounts/{told['id']}"
        steps.append(len(acme.get(f"{path}/sessions").json["data"]))
        for command in ("unlock", "disable", "enable", "invite", "sign-out"):
            steps.append(acme.post(f"{path}/{command}").status)
        steps.append(shape(acme.get(path).json))
        seen[email] = steps
    assert seen[taken] == seen[free]
    assert seen[taken][2] == 409, "its own organisation has it now"
    assert seen[taken][7] == 401, "by the address alone one signs in as whom the operator knows"


def test_an_invitation_gives_nothing_over_the_account_that_was_there(
    legato: RunningLegato, acme: Browser
) -> None:
    email = person(legato, "analyst")
    before = signed_in(legato, email)
    own = before.get("/session").json["account"]["id"]
    told, token = invited(acme, email, "viewer")
    post(legato, "/login/invitation", {"token": token, "password": OTHER})
    twin = signed_in(legato, told["login"], OTHER)
    assert {one["org"] for one in twin.get("/me").json["roles"]} == {"acme"}
    assert twin.get("/ledger/sums?org=default").status == 404
    for path in (f"/accounts/{own}", f"/accounts/{own}/sessions"):
        assert acme.get(path).status == 404, path
    for command in ("invite", "disable", "unlock", "sign-out"):
        assert acme.post(f"/accounts/{own}/{command}").status == 404, command
    assert email not in [one["login"] for one in acme.get("/accounts?limit=500").json["data"]]
    for _ in range(5):  # failures of one aren't the other's, nor is an unlocking
        post(legato, "/login", {"email": email, "password": "not this one"})
    lengthen_waits(legato, 600)
    assert acme.post(f"/accounts/{told['id']}/unlock").status == 200
    assert post(legato, "/login", {"email": email, "password": GOOD}).status == 429
    assert post(legato, "/login", {"email": told["login"], "password": OTHER}).status == 200
    assert before.get("/me").status == 200, "nobody ended its session"
    assert acme.post("/erasures", {"user": email}).status == 200
    assert before.get("/me").status == 200, "nor does an erasure by another organisation"
    assert twin.get("/me").status == 401


def test_a_person_joins_with_the_account_they_have(legato: RunningLegato, acme: Browser) -> None:
    email = person(legato, "analyst")
    ann = signed_in(legato, email)
    own = ann.get("/session").json["account"]["id"]
    told, token = invited(acme, email.upper(), "finance")
    assert {one["org"] for one in ann.get("/me").json["roles"]} == {"default"}, "not before"
    assert ann.get("/ledger/sums?org=acme").status == 404
    assert post(legato, "/me/invitations", {"token": token}).status == 401
    assert post(legato, "/me/invitations", {"token": token}, {"cookie": ann.cookie}).status == 403
    eve = signed_in(legato, person(legato))
    assert eve.post("/me/invitations", {"token": token}).status == 404, "it isn't for her"
    assert ann.post("/me/invitations", WRONG).status == 404
    assert ann.post("/me/invitations", {"token": token}).json == {"org": "acme"}
    held = {(one["role"], one["org"]) for one in ann.get("/me").json["roles"]}
    assert held == {("analyst", "default"), ("finance", "acme")}
    assert ann.get("/ledger/sums?org=acme").status == 200
    again = ann.post("/me/invitations", {"token": token})
    assert (again.status, again.error["field"]) == (404, "token"), "once"
    assert post(legato, "/login/invitation", {"token": token, "password": OTHER}).status == 404
    assert acme.get(f"/accounts/{told['id']}").json["state"] == "erased"
    assert acme.get(f"/accounts/{own}").status == 404, "it is still another's account"
    for command in ("invite", "disable", "sign-out"):
        assert acme.post(f"/accounts/{own}/{command}").status == 404
    (bound,) = acme.get(f"/role-bindings?org=acme&subject=account:{own}").json["data"]
    assert acme.post(f"/role-bindings/{bound['id']}/unbind").status == 200
    assert ann.get("/ledger/sums?org=acme").status == 404
    leaves = legato.query("SELECT leaf FROM audit_event WHERE action = 'account.join'")
    assert json.loads(leaves[-1]["leaf"])["subject"]["id"] == own


def test_who_may_know_anothers_password_gains_nothing_by_their_joining(
    legato: RunningLegato, acme: Browser
) -> None:
    """Somebody of default invited her and may have chosen the password: acme doesn't rely on it."""
    boss = signed_in(legato, person(legato, "admin"))
    email = address()
    mine, token = invited(boss, email, org="default")
    assert mine["login"] == f"default:{email}"
    post(legato, "/login/invitation", {"token": token, "password": GOOD})
    ann = signed_in(legato, mine["login"])
    _, token = invited(acme, email, "viewer")
    refused = ann.post("/me/invitations", {"token": token})
    assert (refused.status, refused.error["field"]) == (409, "token")
    assert "choose" in refused.error["message"]
    assert ann.get("/me").json["roles"] == []
    chosen = post(legato, "/login/invitation", {"token": token, "password": OTHER})
    assert chosen.json["login"] == f"acme:{email}", "the invitation still serves"


def test_an_operator_is_told_that_an_address_is_taken(legato: RunningLegato) -> None:
    email = person(legato)
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = post(legato, "/accounts", {"org": "acme", "email": email}, headers)
    assert (answer.status, answer.error["field"]) == (409, "email")
    assert legato.get(f"{V1}/accounts", ADMIN).status == 200


def joined(
    legato: RunningLegato, *options: str, given: list[str]
) -> subprocess.CompletedProcess[str]:
    """What an invited person does at a terminal of their own: nothing but the address is there."""
    return subprocess.run(
        [sys.executable, "-m", "legato", "accounts", "join", "--url", legato.url, *options],
        env={**legato.environment, "LEGATO_DATA": str(legato.data.parent / "nowhere")},
        input="".join(f"{line}\n" for line in given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_invited_person_joins_by_a_command(legato: RunningLegato, acme: Browser) -> None:
    email = address()
    _, token = invited(acme, email, "viewer")
    refused = joined(legato, given=[token, "short"])
    assert refused.returncode == 1
    assert "password" in refused.stderr
    told = joined(legato, given=[token, OTHER])
    assert (told.returncode, told.stdout) == (0, f"You sign in as acme:{email} from now on.\n")
    assert token not in told.stdout + told.stderr
    roles = signed_in(legato, f"acme:{email}", OTHER).get("/me").json["roles"]
    assert [(one["role"], one["org"]) for one in roles] == [("viewer", "acme")]
    assert "used, too old" in joined(legato, given=[token, OTHER]).stderr


def test_a_person_joins_with_the_account_they_have_by_a_command(
    legato: RunningLegato, acme: Browser
) -> None:
    email = person(legato, "developer")
    _, token = invited(acme, email, "finance")
    wrong = joined(legato, "--as", email, given=[token, OTHER])
    assert wrong.returncode == 1, "that isn't their password"
    told = joined(legato, "--as", email, given=[token, GOOD])
    said = f"{email} has what acme invited it to.\n"
    assert (told.returncode, told.stdout) == (0, said), told.stderr
    ann = signed_in(legato, email)
    roles = ann.get("/me").json["roles"]
    assert {(one["role"], one["org"]) for one in roles} == {
        ("developer", "default"),
        ("finance", "acme"),
    }
    assert len(ann.get("/sessions").json["data"]) == 1, "the command's own has ended"

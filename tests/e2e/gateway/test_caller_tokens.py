"""Callers with tokens of an identity provider, whose keys rotate while the gateway runs.

Case 29: alg none, a wrong audience or issuer, a shared prefix of a good token: 401.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from running import CALLER, CHAT, RunningLegato, within

from wire_servers.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ISSUER, AUDIENCE = "https://idp.example/tenant", "legato"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: machine, kind: simulated}]
deployments:
  - {name: small, provider: machine, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small]}]
keys:
  - {name: search, team: search, feature: answers, secret: {env: CALLER_KEY}, models: [chat]}
  - {name: everybody, team: platform, feature: tests, secret: {env: OTHER_KEY}, models: [small]}
access:
  rules:
    - {name: no-chat, who: {tags: {department: interns}}, models: [small]}
token_issuers:
  - name: staff
    issuer: https://idp.example/tenant
    audience: legato
    jwks_url: IDP/jwks
    keys:
      - {claim: groups, value: search-team, key: search}
      - {claim: kind, value: guest, key: everybody}
    tags: {department: dept}
    leeway_s: 0
"""


class Idp(ThreadedServer):
    """What signs, and serves its public keys."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAKey | ECKey] = {}
        self.asked = 0
        self.rotate("first")
        super().__init__({"GET /jwks": self._jwks})

    def rotate(self, kid: str, *, curve: bool = False) -> None:
        parameters = {"kid": kid, "use": "sig"}
        made = ECKey.generate_key("P-256", parameters) if curve else None
        self.keys = {kid: made or RSAKey.generate_key(2048, parameters)}

    def token(self, kid: str | None = None, **changes: Any) -> str:
        now_s = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "groups": ["search-team", "all"]}
        claims |= {"exp": now_s + 300, "iat": now_s, "dept": "sales"} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.keys[kid or next(iter(self.keys))]
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key)

    async def _jwks(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response(KeySet(list(self.keys.values())).as_dict(private=False))


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with Idp() as server:
        yield server


@pytest.fixture(scope="module")
def legato(idp: Idp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        CONFIG.replace("IDP", idp.url),
        variables={"OTHER_KEY": "lg-another-declared-key-of-these"},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def called(legato: RunningLegato, token: str, user: str | None = None) -> Any:
    body = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}
    return legato.post(CHAT, body | ({} if user is None else {"user": user}), token)


def test_a_token_pays_by_its_key_and_names_the_caller(legato: RunningLegato, idp: Idp) -> None:
    token = idp.token()
    answers = [called(legato, token, "bob"), called(legato, token), called(legato, CALLER, "bob")]
    assert [one.status for one in answers] == [200, 200, 200]
    first, second, other = (legato.entries(one.request_id)[0] for one in answers)
    assert (first["team"], first["feature"]) == ("search", "answers")
    assert "sales" in first["tags"]
    assert first["end_user"] == second["end_user"] != ""
    assert first["end_user"] != other["end_user"]  # what the caller said of the user didn't count


def test_rules_by_tags_hold_for_those_of_a_token(legato: RunningLegato, idp: Idp) -> None:
    assert called(legato, idp.token(dept="sales")).status == 200
    refused = called(legato, idp.token(dept="interns"))
    assert refused.status == 403
    assert "'no-chat'" in refused.error["message"]
    assert called(legato, idp.token(dept="sales")).status == 200


def test_keys_that_rotate_are_followed_at_once(legato: RunningLegato, idp: Idp) -> None:
    before = idp.token()
    assert called(legato, before).status == 200
    idp.rotate("second", curve=True)
    assert within(12, lambda: called(legato, idp.token()).status == 200)  # looked lately
    assert called(legato, before).status == 401  # withdrawn, though it had been good


def test_case_29_what_is_no_good_token_is_refused(legato: RunningLegato, idp: Idp) -> None:
    good = idp.token()
    assert called(legato, good).status == 200
    head, claims, mark = good.split(".")
    public = json.dumps(KeySet(list(idp.keys.values())).as_dict(private=False)).encode()
    forged = f"{encoded({'alg': 'HS256'})}.{claims}"
    shared = hmac.new(public, forged.encode(), hashlib.sha256).digest()
    bad = {
        "alg none": f"{encoded({'alg': 'none'})}.{claims}.",
        "alg none, signed": f"{encoded({'alg': 'none'})}.{claims}.{mark}",
        "a public key as a secret": f"{forged}.{plain(shared)}",
        "audience": idp.token(aud="another"),
        "no audience": idp.token(aud=None),
        "issuer": idp.token(iss="https://idp.example/tenant2"),
        "issuer by prefix": idp.token(iss="https://idp.example"),
        "ended": idp.token(exp=int(time.time()) - 1),
        "no end": idp.token(exp=None),
        "not yet": idp.token(nbf=int(time.time()) + 600),
        "shared prefix": good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
        "cut": good[:-1],
        "other claims": f"{head}.{encoded({'iss': ISSUER, 'aud': AUDIENCE, 'sub': 'eve'})}.{mark}",
        "no user": idp.token(sub=None),
        "no key": idp.token(groups=["other"]),
        "deep": f"{head}.{plain(b'[' * 9000)}.{mark}",
        "too long": "eyJ" + "a" * 20_000 + ".b.c",
    }
    answers = {what: called(legato, token) for what, token in bad.items()}
    assert {what: one.status for what, one in answers.items()} == dict.fromkeys(bad, 401)
    assert all("eve" not in one.body.decode() for one in answers.values())
    assert "`aud`" in answers["audience"].error["message"]
    assert "expired" in answers["ended"].error["message"]


def test_a_flood_of_unknown_keys_asks_the_issuer_seldom(legato: RunningLegato, idp: Idp) -> None:
    stranger = Idp()
    asked = idp.asked
    assert {called(legato, stranger.token(sub=str(n))).status for n in range(30)} == {401}
    assert idp.asked - asked <= 2


def test_a_tokens_models_are_its_keys(legato: RunningLegato, idp: Idp) -> None:
    assert called(legato, idp.token(groups=[], kind="guest")).status == 403


def encoded(value: dict[str, Any]) -> str:
    return plain(json.dumps(value).encode())


def plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_batch_isnt_made_by_a_token(legato: RunningLegato, idp: Idp) -> None:
    wanted = {"input_file_id": "file-x", "endpoint": CHAT, "completion_window": "24h"}
    answer = legato.post("/v1/batches", wanted, idp.token())
    assert answer.status == 403
    assert "key's secret" in answer.error["message"]

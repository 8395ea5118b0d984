"""Case 29: ID tokens that aren't the provider's, or not for us, or not now."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
from functools import cache
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from legato.core.config_accounts import OidcProvider, RoleMapping
from legato.core.errors import SignInRefused
from legato.identity.oidc.id_token import Expected, claims_of
from legato.identity.oidc.provider import Asked, ProviderFacts, ProviderFailed, Told

ISSUER, CLIENT, NONCE, ACCESS = "https://op.test", "legato", "n-1", "access"
NOW_S = 1_700_000_000
CONFIG = OidcProvider(
    name="op",
    issuer=ISSUER,
    client_id=CLIENT,
    role_mapping=[RoleMapping(claim="groups", value="x", role="viewer")],
)


@cache
def key(kid: str, kind: str = "RSA") -> Key:
    made: Key
    if kind == "EC":
        made = ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})
    else:
        made = RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})
    return made


class Server:
    """What a provider answers, with its clock."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [dict(key("one").as_dict(private=False))]
        self.facts = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
        }
        self.now_ns = NOW_S * 10**9
        self.asked: list[str] = []
        self.provider = ProviderFacts(CONFIG, self.fetch, lambda: self.now_ns)

    def fetch(self, asked: Asked) -> Told:
        self.asked.append(asked.url)
        body = {"keys": self.keys} if asked.url.endswith("/jwks") else self.facts
        return Told(200, json.dumps(body).encode())

    def claims(self, token: str) -> dict[str, Any]:
        return claims_of(token, CONFIG, self.provider, Expected(NONCE, ACCESS, self.now_ns))


def good(**changed: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER, "aud": CLIENT, "sub": "ann", "nonce": NONCE,
        "iat": NOW_S, "exp": NOW_S + 300, **changed,
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: dict[str, Any], by: Key, alg: str = "RS256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": by.kid, **header}, claims, by, algorithms=[alg])


def test_a_good_one_tells_who_it_is() -> None:
    server = Server()
    assert server.claims(signed(good(), key("one")))["sub"] == "ann"
    assert server.claims(signed(good(aud=[CLIENT]), key("one")))["sub"] == "ann"
    server.claims(signed(good(), key("one")))
    assert server.asked == [f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/jwks"]


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.test"}, {"iss": ISSUER + "/"}, {"iss": None},
        {"aud": "another"}, {"aud": [CLIENT, "another"]}, {"aud": None}, {"aud": ""},
        {"azp": "another"},
        {"exp": NOW_S - 61}, {"exp": None}, {"exp": "soon"},
        {"nbf": NOW_S + 120}, {"iat": NOW_S + 120}, {"iat": None},
        {"nonce": "n-2"}, {"nonce": None}, {"nonce": ""},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)  # fmt: skip
def test_a_wrong_claim_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused):
        Server().claims(signed(good(**changed), key("one")))


def test_a_wrong_signature_is_refused() -> None:
    server = Server()
    token = signed(good(), key("one"))
    head, body, mark = token.split(".")
    public = key("one").as_pem(private=False)
    input_ = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{body}"
    by_public = hmac.new(public, input_.encode(), "sha256").digest()
    others = {
        "another's key": signed(good(), key("two")),
        "another's key under the same name": signed(good(), key("two"), kid="one"),
        "altered": f"{head}.{encoded(good(sub='eve'))}.{mark}",
        "unsigned": f"{encoded({'alg': 'none'})}.{body}.",
        "unsigned, oddly": f"{encoded({'alg': 'nOnE', 'kid': 'one'})}.{body}.{mark}",
        "a public key as a secret": f"{input_}.{plain(by_public)}",
        "an algorithm that isn't allowed": signed(good(), key("one"), "RS512"),
        "a key of the token's own": signed(
            good(), key("two"), jwk=dict(key("two").as_dict(private=False)), kid="two"
        ),
        "no token": "x", "nothing": "", "empty parts": "..", "long": "x" * 70_000,
    }  # fmt: skip
    passed = []
    for name, forged in others.items():
        with contextlib.suppress(SignInRefused):
            server.claims(forged)
            passed.append(name)
    assert passed == []


def test_new_keys_are_asked_for_where_one_is_unknown_but_not_often() -> None:
    server = Server()
    server.claims(signed(good(), key("one")))
    server.keys = [dict(key("two").as_dict(private=False))]
    for _ in range(3):
        with pytest.raises(SignInRefused):
            server.claims(signed(good(), key("two")))
    assert len(server.asked) == 2
    server.now_ns += 11 * 10**9
    assert server.claims(signed(good(), key("two")))["sub"] == "ann"
    with pytest.raises(SignInRefused):
        server.claims(signed(good(), key("one")))


def test_a_shared_secret_among_its_keys_verifies_nothing() -> None:
    server = Server()
    secret = OctKey.generate_key(256, {"kid": "oct"})
    server.keys.append({**secret.as_dict(private=True), "use": "sig"})
    with pytest.raises(SignInRefused):
        server.claims(signed(good(), secret, "HS256"))
    ec = key("three", "EC")
    server = Server()
    server.keys = [dict(ec.as_dict(private=False)), {"kty": "new"}, {"kty": "RSA", "use": "enc"}]
    assert server.claims(signed(good(), ec, "ES256"))["sub"] == "ann"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.test"},
        {"issuer": ISSUER + "/"},
        {"token_endpoint": "http://op.test/token"},
        {"jwks_uri": "ftp://op.test/jwks"},
        {"jwks_uri": 7},
    ],
)
def test_facts_of_another_issuer_or_without_tls_are_refused(changed: dict[str, Any]) -> None:
    server = Server()
    server.facts |= changed
    with pytest.raises(ProviderFailed):
        server.provider.facts()


def encoded(value: dict[str, Any]) -> str:
    return plain(json.dumps(value).encode())


def plain(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

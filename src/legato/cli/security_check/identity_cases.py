"""Cases 29 to 31: tokens of an identity provider, the way by it and back, and cookies."""

import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from legato.cli.security_check.bench import CHAT, OK, Answer, Bench, asking
from legato.cli.security_check.identity_server import NS_PER_S, encoded, part
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.verdicts import counted, not_proven
from legato.core.clock import SystemClock

_V1: Final = "/api/v1"
_FOUND: Final = 302
_UNKNOWN, _FORBIDDEN, _NOTHING = 401, 403, 404
_SESSION: Final = f"{_V1}/session"
_ACT: Final = f"{_V1}/tokens"
_JSON: Final = "application/json"
_PLACES: Final = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "/ui/@evil.example",
    "http://a@b@evil.example/",
    "/..;/evil",
    "/%2f%2fevil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "",
)
_EVIL: Final = "https://evil.example"


class _Begun(msgspec.Struct, frozen=True):
    """A sign-in that waits for the browser to come back."""

    state: str
    cookie: str
    redirect_uri: str
    nonce: str


def forged_tokens(bench: Bench) -> Judged:
    """29: tokens that aren't good are unknown, whatever they share with a good one."""
    issuer = bench.issuer
    claims = {"iss": issuer.issuer, "aud": issuer.audience}
    good = bench.identity.token(issuer.algorithm, claims)
    first = _called(bench, good)
    if first.status != OK:
        return not_proven(f"a good token was answered {first.code}")
    bad = _bad_tokens(bench, good, claims)
    answers = {what: _called(bench, token).status for what, token in bad.items()}
    wrong = [f"{what}: {status}" for what, status in answers.items() if status != _UNKNOWN]
    return counted(wrong, len(bad), "tokens refused that are like one that was taken")


def _bad_tokens(bench: Bench, good: str, claims: dict[str, Any]) -> dict[str, str]:
    algorithm, server = bench.issuer.algorithm, bench.identity
    head, said, mark = good.split(".")
    public = json.dumps(server.public).encode()
    shared = f"{encoded({'alg': 'HS256'})}.{said}"
    other = {**claims, "sub": "eve"}
    now_s = SystemClock().now_ns() // NS_PER_S

    def signed(**changes: Any) -> str:
        return server.token(algorithm, claims | changes)

    return {
        "alg none": f"{encoded({'alg': 'none'})}.{said}.",
        "alg none, signed": f"{encoded({'alg': 'none'})}.{said}.{mark}",
        "public key as secret": f"{shared}.{part(hmac.digest(public, shared.encode(), sha256))}",
        "another audience": signed(aud=f"{claims['aud']}-other"),
        "no audience": signed(aud=None),
        "another issuer": signed(iss=f"{claims['iss']}2"),
        "a part of the issuer": signed(iss=str(claims["iss"])[:-1]),
        "ended": signed(exp=now_s - 3_600),
        "no end": signed(exp=None),
        "not yet": signed(nbf=now_s + 3_600),
        "no user": signed(sub=None),
        "shared prefix": good[:-6] + ("A" * 6 if good[-6:] != "A" * 6 else "B" * 6),
        "cut": good[:-4],
        "claims of another": f"{head}.{encoded(other)}.{mark}",
        "a key of nobody": f"{encoded({'alg': algorithm, 'kid': 'nobody'})}.{said}.{mark}",
    }


def _called(bench: Bench, token: str) -> Answer:
    return bench.post(CHAT, asking("chat", bench.route, "hi", stream=False), token)


def forged_redirections(bench: Bench) -> Judged:
    """30: a sign-in leads back here alone, once, in the browser that began it."""
    wrong, tried = [], 0
    for place in _PLACES:
        tried += 1
        answer = _begin(bench, place)
        if answer.status == _FOUND:  # taken: then it has to come out here all the same
            told = _led(_come_back(bench, _begun(answer)))
            if not told.startswith("/") or told.startswith(("//", "/\\")):
                wrong.append(f"next {quote(place)} led to {told[:60]}")
    fair = _begin(bench, "/ui/")
    if fair.status != _FOUND:
        return not_proven(f"a sign-in can't be begun here ({fair.code})")
    own = _begun(fair).redirect_uri
    for headers, query in (
        ({"host": "evil.example"}, ""),
        ({"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}, ""),
        ({"forwarded": "host=evil.example"}, ""),
        ({}, f"&redirect_uri={quote(_EVIL)}"),
    ):
        tried += 1
        answer = _begin(bench, "/ui/", headers, query)
        if answer.status == _FOUND and _begun(answer).redirect_uri != own:
            wrong.append(f"redirect_uri follows {next(iter(headers), 'the query')}")
    for what, answer in _strayed(bench).items():
        tried += 1
        if _session(answer):
            wrong.append(f"{what} has a session")
    if not _session(sign_in(bench)):
        return not_proven("nobody could sign in, so nothing shows that these would have")
    return counted(wrong, tried, "ways to lead a sign-in elsewhere, none did")


def _strayed(bench: Bench) -> dict[str, Answer]:
    """Return how ways back are answered that aren't those of who began."""
    used = _begun(_begin(bench, "/ui/"))
    _come_back(bench, used)
    mine, yours = _begun(_begin(bench, "/ui/")), _begun(_begin(bench, "/ui/"))
    nobody = msgspec.structs.replace(mine, state="nobody")
    return {
        "a state that was used": _come_back(bench, used),
        "another browser": _come_back(bench, msgspec.structs.replace(mine, cookie=yours.cookie)),
        "a browser without a cookie": _come_back(bench, msgspec.structs.replace(yours, cookie="")),
        "an unknown state": _come_back(bench, nobody),
        "another provider's answer": _come_back(bench, _begun(_begin(bench, "/ui/")), iss=_EVIL),
    }


def other_origins(bench: Bench) -> Judged:
    """31: no other site's page reads answers, or acts by the cookie of somebody signed in."""
    body = json.dumps(asking("chat", bench.route, "hi", stream=False)).encode()
    cookie = _session(sign_in(bench))
    if not cookie:
        return not_proven("nobody could sign in, so no cookie was there to ride on")
    if bench.send("GET", _SESSION, None, {"cookie": cookie}).status != OK:
        return not_proven("the session of who signed in isn't known")
    stranger = {"origin": _EVIL, "cookie": "session=1"}
    tried: list[tuple[str, str, bytes | None, dict[str, str], set[int]]] = [
        ("POST", CHAT, body, stranger, {_UNKNOWN}),
        ("OPTIONS", CHAT, None, stranger, {_UNKNOWN, _NOTHING}),
        ("GET", f"{_V1}/keys", None, stranger, {_UNKNOWN}),
        ("POST", f"{_V1}/keys", b"{}", stranger, {_UNKNOWN, _FORBIDDEN}),
        # a safe method may be answered: without CORS the browser keeps it from the page
        ("GET", _SESSION, None, {"origin": _EVIL, "cookie": cookie}, {OK, _FORBIDDEN}),
    ]
    riding: tuple[dict[str, str], ...] = (
        {"origin": _EVIL},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {},  # of no browser, but without the token of the session, either
    )
    tried += [
        ("POST", _ACT, b"{}", headers | {"cookie": cookie}, {_FORBIDDEN}) for headers in riding
    ]
    wrong = []
    for method, path, content, headers, expected in tried:
        answer = bench.send(method, path, content, {"content-type": _JSON} | headers)
        if answer.status not in expected or "access-control-allow-origin" in answer.headers:
            wrong.append(f"{method} {path}: {answer.code}")
    return counted(wrong, len(tried), "requests of another origin: no CORS, no act by a cookie")


def sign_in(bench: Bench) -> Answer:
    """Go by the identity provider and come back."""
    return _come_back(bench, _begun(_begin(bench, "/ui/")))


def _begin(
    bench: Bench, place: str, headers: Mapping[str, str] | None = None, more: str = ""
) -> Answer:
    query = f"next={quote(place, safe='')}{more}"
    return bench.send("GET", f"{_V1}/login/oidc/{bench.provider}?{query}", None, headers)


def _begun(answer: Answer) -> _Begun:
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    cookie = next(iter(_cookies(answer)), "")
    return _Begun(asked["state"][0], cookie, asked["redirect_uri"][0], asked["nonce"][0])


def _come_back(bench: Bench, begun: _Begun, **said: str) -> Answer:
    bench.identity.nonce = begun.nonce
    query = urlencode({"state": begun.state, "code": "c", **said})
    path = urlsplit(begun.redirect_uri).path
    headers = {"cookie": begun.cookie} if begun.cookie else {}
    return bench.send("GET", f"{path}?{query}", None, headers)


def _led(answer: Answer) -> str:
    return answer.headers.get("location", "/")


def _session(answer: Answer) -> str:
    return next((one for one in _cookies(answer) if "session" in one.partition("=")[0]), "")


def _cookies(answer: Answer) -> list[str]:
    found = []
    for line in answer.headers.get("set-cookie", "").split("\n"):
        with suppress(CookieError):
            found += [
                f"{name}={one.value}" for name, one in SimpleCookie(line).items() if one.value
            ]
    return found

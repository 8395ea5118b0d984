"""Signing in by an OpenID provider: the way there, the way back, and who that is here.

Authorization code with PKCE (RFC 7636), a state that only the browser that began can use, a nonce,
and a redirect address that is built from the configuration alone.
"""

import base64
import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from legato.audit.event import Act, Subject
from legato.core.config_accounts import OidcProvider
from legato.core.errors import InvalidRequest, NotFound, SignInRefused
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.identity.enrolling import required_email
from legato.identity.oidc.id_token import Expected, claims_of
from legato.identity.oidc.mapping import bindings_of, lacks
from legato.identity.oidc.provider import Asked, Facts, Fetch, ProviderFacts
from legato.identity.origins import is_own_place
from legato.identity.rooms import Rooms
from legato.identity.signing_in import SignedIn, SigningIn, Visitor
from legato.storage.identity.mapped_roles import MappedRoles
from legato.storage.identity.records import Account, NewAccount, login_in

_NS_PER_S: Final = 1_000_000_000
_FLOW_S: Final = 600
_PURPOSE: Final = "sign-in flows"
_CONTEXT: Final = b"sign-in flow"
_HINT: Final = b"id token hint"
_NAME_CHARACTERS_MAX: Final = 128
_CALLBACK: Final = "/api/v1/login/oidc/{name}/callback"
_FORM: Final = "application/x-www-form-urlencoded"


class Sealer(Protocol):
    """Encryption of what waits in the database."""

    def seal(self, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Opened(msgspec.Struct, frozen=True):
    """One provider, opened: its secret is in memory only."""

    config: OidcProvider
    facts: ProviderFacts
    fetch: Fetch
    roles: MappedRoles
    secret: Callable[[], str | None]


class Begun(msgspec.Struct, frozen=True):
    """Where to send the browser, and what it keeps meanwhile."""

    url: str
    browser: str


class Returned(msgspec.Struct, frozen=True):
    """What the browser brings back: of its address, and of its cookie."""

    state: str
    code: str
    error: str
    issuer: str
    browser: str


class _Flow(msgspec.Struct, frozen=True):
    """What waits for the browser."""

    provider: str
    nonce: str
    verifier: str
    browser: bytes
    place: str


class OidcSignIn:
    """Every provider that is configured. Blocking; methods may raise StorageUnavailable."""

    def __init__(
        self, rooms: Rooms, signing_in: SigningIn, sealer: Sealer, providers: dict[str, Opened]
    ) -> None:
        self._rooms = rooms
        self._signing_in = signing_in
        self._sealer = sealer
        self.providers = providers

    def begin(self, name: str, place: str) -> Begun:
        """Return where to go; `place` is where on this server to come out.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: that is no place on this server.
            ProviderFailed: it can't be asked.
        """
        if not is_own_place(place):
            raise InvalidRequest("next: write a path on this server, as /ui/", param="next")
        opened = self._opened(name)
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        endpoint = opened.facts.facts().authorization_endpoint
        flow = _Flow(name, nonce, verifier, self._digest(browser), place)
        ends_at_ns = self._rooms.now_ns() + _FLOW_S * _NS_PER_S
        sealed = self._sealer.seal(msgspec.msgpack.encode(flow), _CONTEXT)
        self._rooms.flows.begin(self._digest(state), sealed, ends_at_ns)
        url = prepare_grant_uri(
            endpoint,
            client_id=opened.config.client_id,
            response_type="code",
            redirect_uri=self.redirect_uri(name),
            scope=" ".join(opened.config.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Begun(url, browser)

    def finish(self, name: str, returned: Returned, visitor: Visitor) -> tuple[SignedIn, str]:
        """Begin the session of who comes back; return it and where to come out.

        Raises:
            NotFound: there is no such provider.
            SignInRefused: it isn't who began, the provider said no, or gives no role here.
            ProviderFailed: it can't be asked.
        """
        opened = self._opened(name)
        try:
            return self._finished(opened, returned, visitor)
        except SignInRefused as error:
            subject = Subject("provider", name)
            reason = error.message
            act = Act(opened.config.org, "login.refuse", subject, "refused", reason)
            self._rooms.flows.refused(act)
            raise

    def sign_out_url(self, provider: str, sealed: bytes) -> str | None:
        """Return where to sign out of the provider as well; None where it has no such place."""
        opened = self.providers.get(provider)
        endpoint = opened.facts.facts().end_session_endpoint if opened is not None else ""
        if opened is None or not endpoint:
            return None
        asked = {
            "client_id": opened.config.client_id,
            "post_logout_redirect_uri": f"{self._rooms.config.external_url}/",
        }
        if sealed:
            asked["id_token_hint"] = self._sealer.open(sealed, _HINT).decode()
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def redirect_uri(self, name: str) -> str:
        """Return the one address that a provider may send people back to."""
        return f"{self._rooms.config.external_url}{_CALLBACK.format(name=name)}"

    def _finished(
        self, opened: Opened, returned: Returned, visitor: Visitor
    ) -> tuple[SignedIn, str]:
        flow = self._flow(opened, returned)
        if returned.error or not returned.code:
            raise SignInRefused("The provider let nobody in.", param="error")
        facts = opened.facts.facts()
        if returned.issuer != facts.issuer and (
            returned.issuer or facts.authorization_response_iss_parameter_supported
        ):
            raise SignInRefused("The answer is of another issuer.", param="iss")
        told = opened.facts.asked(self._code_asked(opened, facts, returned.code, flow), "token")
        id_token, access = told.get("id_token"), told.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access, str):
            raise SignInRefused("The provider gave no ID token.", param="id_token")
        expected = Expected(flow.nonce, access, self._rooms.now_ns())
        claims = claims_of(id_token, opened.config, opened.facts, expected)
        if facts.userinfo_endpoint and lacks(claims, opened.config):
            claims = {**_more(opened, facts, access, claims["sub"]), **claims}
        account = self._account(opened, claims)
        hint = self._sealer.seal(id_token.encode(), _HINT)
        signed_in = self._signing_in.begin(account, visitor, opened.config.name, hint)
        return signed_in, flow.place

    def _flow(self, opened: Opened, returned: Returned) -> _Flow:
        sealed = self._rooms.flows.take(self._digest(returned.state)) if returned.state else None
        if sealed is None:
            raise SignInRefused("This sign-in wasn't begun here, or too long ago.", param="state")
        flow = msgspec.msgpack.decode(self._sealer.open(sealed, _CONTEXT), type=_Flow)
        same = hmac.compare_digest(flow.browser, self._digest(returned.browser))
        if not same or flow.provider != opened.config.name:
            raise SignInRefused("Another browser began this sign-in.", param="state")
        return flow

    def _code_asked(self, opened: Opened, facts: Facts, code: str, flow: _Flow) -> Asked:
        """Return the request of a token, by the way to prove who we are that the provider takes."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri(opened.config.name),
            "code_verifier": flow.verifier,
            "client_id": opened.config.client_id,
        }
        headers = {"content-type": _FORM, "accept": "application/json"}
        secret = opened.secret()
        if secret is not None:
            if "client_secret_basic" in facts.token_endpoint_auth_methods_supported:
                pair = f"{quote(opened.config.client_id, safe='')}:{quote(secret, safe='')}"
                headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
                del form["client_id"]
            else:
                form["client_secret"] = secret
        return Asked(facts.token_endpoint, headers, urlencode(form).encode())

    def _account(self, opened: Opened, claims: dict[str, Any]) -> Account:
        """Return whose claims these are, made or linked where that is due, with their roles.

        Whoever the provider gives no role any more loses those it gave, and their sessions.
        """
        config, accounts = opened.config, self._rooms.accounts(EVERY_TENANT)
        person = sha256(f"{config.issuer}\n{claims['sub']}".encode()).hexdigest()
        external = f"{config.name}:{person}"
        found = accounts.find_external(external)
        bindings = bindings_of(claims, config, "" if found is None else found.id)
        if not bindings:
            if found is not None:
                opened.roles.put(found.id, [])
                self._rooms.sessions(EVERY_TENANT).end(found.id)
            msg = f"The provider {config.name} gives you no role here: see accounts.oidc."
            raise SignInRefused(msg, param="role_mapping")
        if found is None:
            found = self._new(opened, claims, external)
        if found.state != "active":
            raise SignInRefused("This account can't sign in.")
        opened.roles.put(found.id, bindings_of(claims, config, found.id))
        name = _name_in(claims)
        return accounts.tell(found.id, name) if name and name != found.name else found

    def _new(self, opened: Opened, claims: dict[str, Any], external: str) -> Account:
        """Make the account of who comes first, or link the one that its organisation has.

        An account of the address in another organisation has nothing to do with it: beside that
        one this account signs in as `ORG:ADDRESS`.
        """
        config = opened.config
        given = claims.get("email")
        try:
            email = required_email(given if isinstance(given, str) else "")
        except InvalidRequest:
            raise SignInRefused("The provider tells no e-mail address.", param="email") from None
        accounts = self._rooms.accounts(Tenant(config.org))
        same = accounts.find(login_in(config.org, email))  # whom its administrators invited
        same = same or accounts.find(email)
        if same is None:
            pseudonym = self._rooms.vault.pseudonym(config.org, email.lower())
            new = NewAccount(
                org=config.org,
                kind="person",
                name=_name_in(claims),
                email=email,
                pseudonym=pseudonym,
                external=external,
                of_org=self._rooms.accounts(EVERY_TENANT).find(email) is not None,
            )
            return accounts.create(new)
        verified = config.link_verified_email and claims.get("email_verified") is True
        if not verified or same.external or same.state == "disabled":
            msg = "Another account here has this e-mail address: see link_verified_email."
            raise SignInRefused(msg, param="email")
        return accounts.link(same.id, external)

    def _opened(self, name: str) -> Opened:
        if name not in self.providers:
            raise NotFound("there is no such provider", param="provider")
        return self.providers[name]

    def _digest(self, secret: str) -> bytes:
        return self._rooms.vault.digest(secret.encode())


def _more(opened: Opened, facts: Facts, access: str, subject: str) -> dict[str, Any]:
    """Return what `userinfo` tells, of the same person only."""
    headers = {"authorization": f"Bearer {access}", "accept": "application/json"}
    told = opened.facts.asked(Asked(facts.userinfo_endpoint, headers), "claims")
    if told.get("sub") != subject:
        raise SignInRefused("The provider tells claims of somebody else.", param="sub")
    return told


def _name_in(claims: dict[str, Any]) -> str:
    name = claims.get("name")
    return name[:_NAME_CHARACTERS_MAX] if isinstance(name, str) else ""

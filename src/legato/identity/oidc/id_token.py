"""Whether an ID token is good (OpenID Connect Core 1.0, 3.1.3.7)."""

from typing import Any, Final

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError

from legato.core.config_accounts import OidcProvider
from legato.core.errors import SignInRefused
from legato.identity.oidc.provider import ProviderFacts

_LEEWAY_S: Final = 60
_NS_PER_S: Final = 1_000_000_000
_TOKEN_CHARACTERS_MAX: Final = 64 * 1024


class Expected(msgspec.Struct, frozen=True):
    """What it must hold besides."""

    nonce: str
    access_token: str
    now_ns: int


def claims_of(
    token: str, config: OidcProvider, provider: ProviderFacts, expected: Expected
) -> dict[str, Any]:
    """Return the claims of an ID token that is signed by the provider, for us, now, for this flow.

    Its algorithm is one of those configured, whatever the token says, and its key one of the
    provider's public ones: so neither `none` nor a public key taken for a secret passes.

    Raises:
        SignInRefused: it isn't; the reason names the claim, never its value.
        ProviderFailed: the provider's keys can't be had.
    """
    if len(token) > _TOKEN_CHARACTERS_MAX:
        raise _bad("too long")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, UnicodeError):
        raise _bad("no signed token") from None
    if header.get("alg") not in config.algorithms:
        raise _bad("alg")
    kid = header.get("kid")
    keys = provider.keys(kid if isinstance(kid, str) else None)
    try:
        decoded = jwt.decode(token, keys, algorithms=list(config.algorithms))
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": config.issuer},
                "aud": {"essential": True, "value": config.client_id},
                "sub": {"essential": True},
                "exp": {"essential": True},
                "iat": {"essential": True},
                "nonce": {"essential": True, "value": expected.nonce},
            },
            {
                "nonce": expected.nonce,
                "client_id": config.client_id,
                "access_token": expected.access_token,
            },
        )
        claims.validate(expected.now_ns // _NS_PER_S, _LEEWAY_S)
    except JoseError as error:
        raise _bad(getattr(error, "claim", None) or error.error) from None
    except (ValueError, TypeError):
        raise _bad("its form") from None
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:  # noqa: PLR2004
        raise _bad("sub")
    return dict(claims)


def _bad(what: str) -> SignInRefused:
    return SignInRefused(f"The provider's ID token isn't good: {what}.", param="id_token")

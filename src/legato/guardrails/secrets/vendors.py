"""Keys whose form their vendor made recognisable, JSON web tokens and private keys.

Lengths are looser than the vendors' own: they change, and a key cut short in a text is one still.
"""

import re
from collections.abc import Iterator
from math import log2
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.secrets.placeholders import is_example
from legato.guardrails.spans import Span, Text

_LABEL: Final = "SECRET"
_W: Final = "[A-Za-z0-9_-]"
_A: Final = "[A-Za-z0-9]"
_H: Final = "[0-9a-fA-F]"
_UUID: Final = rf"{_H}{{8}}-{_H}{{4}}-{_H}{{4}}-{_H}{{4}}-{_H}{{12}}"

# Vendor, what its keys begin with (RE2), what follows.
_VENDORS: Final = (
    ("anthropic", "sk-ant-", rf"{_W}{{16,}}"),
    ("openai", "sk-(?:proj|svcacct|admin|None)-", rf"{_W}{{16,}}"),
    ("openrouter", "sk-or-(?:v1-)?", rf"{_W}{{20,}}"),
    ("langfuse", "[sp]k-lf-", rf"{_W}{{20,}}"),
    ("openai_like", "sk-", rf"{_W}{{18,}}"),
    ("stripe", "(?:sk|rk|pk)_(?:live|test|prod)_", rf"{_A}{{10,}}"),
    ("stripe_webhook", "whsec_", r"[A-Za-z0-9+/=]{16,}"),
    ("elevenlabs", "sk_", rf"{_A}{{32,}}"),
    ("aws_access_key", "(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])", r"[A-Z0-9]{12,20}"),
    ("aws_bedrock", "(?:ABSK|bedrock-api-key-)", r"[A-Za-z0-9+/=]{40,}"),
    ("google_api", "AIza", rf"{_W}{{28,}}"),
    ("google_oauth", r"(?:ya29\.|GOCSPX-|1//0)", r"[A-Za-z0-9_.-]{16,}"),
    ("github", "gh[pousr]_", rf"{_A}{{20,}}"),
    ("github_fine_grained", "github_pat_", r"[A-Za-z0-9_]{20,}"),
    (
        "gitlab",
        r"(?:gl(?:pat|dt|rt|ptt|ft|imt|agent|cbt|oas|soat|ffct|rtr)-|GR1348941)",
        r"[A-Za-z0-9_.-]{16,}",
    ),
    ("bitbucket", "(?:ATBB|ATATT3|ATCTT3)", r"[A-Za-z0-9_=-]{20,}"),
    ("slack", r"xox[abeoprsc](?:\.xox[bp])?-", r"[A-Za-z0-9-]{10,}"),
    ("slack_app", "xapp-", r"[A-Za-z0-9-]{16,}"),
    (
        "slack_webhook",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/",
        r"[A-Za-z0-9/_-]{20,}",
    ),
    (
        "discord_webhook",
        r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{5,}/",
        rf"{_W}{{20,}}",
    ),
    ("teams_webhook", r"https://[\w-]+\.webhook\.office\.com/webhookb2/", r"[A-Za-z0-9@/_-]{40,}"),
    ("discord_bot", r"[MNO][A-Za-z0-9_-]{23,27}\.", rf"{_W}{{6}}\.{_W}{{27,}}"),
    ("telegram_bot", r"\d{8,10}:AA", rf"{_W}{{30,}}"),
    ("sendgrid", r"SG\.", r"[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    ("mailgun", "(?:key|pubkey|private)-", rf"{_H}{{32}}"),
    ("mailchimp", rf"{_H}{{32}}-us", r"\d{1,2}"),
    ("brevo", "(?:xkeysib|xsmtpsib)-", rf"{_W}{{40,}}"),
    ("resend", "re_[A-Za-z0-9]{6,12}_", r"[A-Za-z0-9]{16,}"),
    ("twilio", "(?:SK|AC)[0-9a-f]{4}", r"[0-9a-f]{28}"),
    ("huggingface", "(?:hf_|api_org_)", rf"{_A}{{20,}}"),
    ("replicate", "r8_", rf"{_A}{{24,}}"),
    ("groq", "gsk_", rf"{_A}{{24,}}"),
    ("xai", "xai-", rf"{_A}{{24,}}"),
    ("perplexity", "pplx-", rf"{_A}{{24,}}"),
    ("fireworks", "fw_", rf"{_A}{{20,}}"),
    ("together", "tgp_v1_", rf"{_W}{{24,}}"),
    ("nvidia", "nvapi-", rf"{_W}{{30,}}"),
    ("langsmith", "lsv2_(?:pt|sk)_", r"[A-Za-z0-9_]{24,}"),
    ("pinecone", "pcsk_", r"[A-Za-z0-9_]{24,}"),
    ("cerebras", "csk-", rf"{_A}{{24,}}"),
    ("tavily", "tvly-", rf"{_W}{{16,}}"),
    ("npm", "npm_", rf"{_A}{{24,}}"),
    ("pypi", "pypi-", rf"{_W}{{32,}}"),
    ("rubygems", "rubygems_", rf"{_H}{{32,}}"),
    ("crates", rf"cio{_A}{{8}}", rf"{_A}{{24}}"),
    ("clojars", "CLOJARS_", rf"{_A}{{40,}}"),
    ("docker", "dckr_(?:pat|oat)_", rf"{_W}{{20,}}"),
    ("artifactory", "(?:AKCp|cmVmdGtuOj)", r"[A-Za-z0-9+/=]{20,}"),
    ("digitalocean", "do[opr]_v1_", rf"{_H}{{32,}}"),
    ("databricks", "dapi", rf"{_H}{{32}}(?:-\d)?"),
    ("doppler", r"dp\.(?:pt|st|ct|scim|audit|sa)\.", r"[A-Za-z0-9_.-]{24,}"),
    ("heroku", "HRKU-", rf"{_W}{{24,}}"),
    ("vault", r"hv[sbr]\.", rf"{_W}{{20,}}"),
    ("terraform_cloud", r"[A-Za-z0-9]{14}\.atlasv1\.", rf"{_W}{{40,}}"),
    ("linear", "lin_(?:api|oauth)_", rf"{_A}{{24,}}"),
    ("notion", "(?:secret|ntn)_", rf"{_A}{{32,}}"),
    ("new_relic", "(?:NRAK|NRJS|NRII|NRAL|NRIQ)-", rf"{_W}{{16,}}"),
    ("grafana", "gl(?:c|sa)_", r"[A-Za-z0-9_+/=]{20,}"),
    ("postman", "PMAK-", r"[0-9a-fA-F-]{32,}"),
    ("pulumi", "pul-", rf"{_H}{{32,}}"),
    ("sentry", "sntry[su]_", r"[A-Za-z0-9_+/=-]{32,}"),
    ("supabase", "(?:sbp|sb_secret|sb_publishable)_", rf"{_W}{{20,}}"),
    ("planetscale", "pscale_(?:tkn|pw|oauth)_", r"[A-Za-z0-9_.=-]{24,}"),
    ("netlify", "(?:nfp|vcp|vercel)_", rf"{_A}{{20,}}"),
    ("fly", "(?:fo1_|fm[12][ar]?_)", r"[A-Za-z0-9_+/=-]{32,}"),
    ("cloudflare", r"(?:v1\.0-[0-9a-f]{24}-|cfut_|cfat_)", rf"{_W}{{32,}}"),
    ("airtable", r"pat[A-Za-z0-9]{14}\.", rf"{_H}{{40,}}"),
    ("dropbox", rf"sl\.(?:u\.)?{_W}{{20}}", rf"{_W}{{40,}}"),
    ("figma", "fig[dou][rh]?_", rf"{_W}{{24,}}"),
    ("hubspot", r"pat-(?:na|eu|ap)\d-", _UUID),
    ("shopify", "shp(?:at|ca|pa|ss|tka|ua)_", rf"{_A}{{24,}}"),
    ("square", "(?:sq0[a-z]{3}-|EAAA)", rf"{_W}{{20,}}"),
    ("facebook", "EAA[A-Z]", rf"{_A}{{40,}}"),
    ("paypal_braintree", r"access_token\$(?:production|sandbox)\$", r"[0-9a-z]{16}\$[0-9a-f]{32}"),
    ("plaid", "access-(?:sandbox|development|production)-", _UUID),
    ("razorpay", "rzp_(?:live|test)_", rf"{_A}{{10,}}"),
    ("flutterwave", "FLW(?:SECK|PUBK)(?:_TEST)?-", r"[A-Za-z0-9]{12,}(?:-X)?"),
    ("easypost", "EZ[AT]K", rf"{_A}{{40,}}"),
    ("shipping", "(?:shippo|duffel)_(?:live|test)_", r"[A-Za-z0-9_=-]{30,}"),
    ("mapbox", r"[sp]k\.eyJ", r"[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{16,}"),
    ("dynatrace", r"dt0[a-z]\d\d\.", r"[A-Z0-9]{24}\.[A-Z0-9]{40,}"),
    ("contentful", "CFPAT-", rf"{_W}{{30,}}"),
    ("typeform", "tfp_", r"[A-Za-z0-9_.=-]{30,}"),
    ("adafruit", "aio_", rf"{_A}{{24,}}"),
    ("prefect", "(?:rdme|pnu|pnb)_", rf"{_A}{{24,}}"),
    ("sourcegraph", "sgp_", r"[A-Za-z0-9_]{40,}"),
    ("tailscale", "tskey-(?:api|auth|client|webhook)-", r"[A-Za-z0-9-]{16,}"),
    ("1password", "(?:ops_eyJ|A3-[A-Z0-9]{6}-)", r"[A-Za-z0-9_=-]{24,}"),
    ("age", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
    ("docker_swarm", "SWMTKN-1-", r"[A-Za-z0-9-]{40,}"),
    ("alibaba_or_tencent", "(?:LTAI|AKID)", rf"{_A}{{12,}}"),
    ("yandex", r"(?:AQVN|t1\.)[A-Za-z0-9_]{6}", r"[A-Za-z0-9_.=-]{28,}"),
    ("ibm", "(?:ApiKey-|p-2\\+)", rf"{_W}{{30,}}"),
    ("asana", r"[01]/\d{10,20}:", rf"{_H}{{32}}"),
    ("zapier", "(?:zpka_|sk-lit-)", rf"{_W}{{20,}}"),
    ("build_services", "(?:bkua_|bkct_|CCIPAT_|CCIPRJ_)", r"[A-Za-z0-9_]{24,}"),
    ("sonarqube", "(?:sqp|squ|sqa)_", rf"{_H}{{32,}}"),
    ("segment", "sgp_", rf"{_A}{{40,}}"),
    ("hosting", "(?:napi|rnd|neon)_", rf"{_A}{{24,}}"),
    (
        "environment_prefixed",
        "(?:lgt|ak|pk|sk|tok|key|secret|token|apikey|api_key)_(?:live|prod|test|dev|stg)_",
        rf"{_A}{{16,}}",
    ),
)
_JWT: Final = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}"
_OPENING: Final = r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_CLOSING: Final = re.compile(rb"-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_BODY: Final = re.compile(rb"[A-Za-z0-9+/=\\\s:,.-]*")
_KEY_BYTES_MAX: Final = 20_000
# Below it a token is a row of words: `sk-learn-pipeline-with-options`.
_BITS_MIN: Final = 2.6


class VendorKeys:
    """Finds SECRET by the form that vendors give their keys."""

    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        openings = "|".join(opening for _, opening, _ in _VENDORS)
        self.gate = rf"(?:{openings})[A-Za-z0-9+/_.-]|eyJ[A-Za-z0-9_-]{{8}}"
        whole = "|".join(f"{opening}{rest}" for _, opening, rest in _VENDORS)
        self._key = Expression(f"{whole}|{_JWT}")
        self._names = [(name, Expression(f"{opening}{rest}")) for name, opening, rest in _VENDORS]

    def find(self, text: Text) -> Iterator[Span]:
        """Yield keys that look made by a machine and aren't a documentation's."""
        data = text.data
        for match in self._key.matches(data):
            start, end = match.span()
            if start and data[start - 1 : start].isalnum():
                continue
            found = match.group().decode().rstrip(".-=" if data[end - 2 : end] != b"==" else ".-")
            end = start + len(found)
            if not is_example(found) and _made_by_machine(found):
                yield Span(start, end, _LABEL, self._named(found), 100)

    def _named(self, found: str) -> str:
        raw = found.encode()
        return next((name for name, form in self._names if form.fits(raw)), "jwt")


class PrivateKeys:
    """Finds SECRET: blocks of private keys, with their marks, also one that is cut off."""

    gate = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._opening = Expression(_OPENING)

    def find(self, text: Text) -> Iterator[Span]:
        """Yield each block."""
        data = text.data
        end = 0
        for match in self._opening.matches(data):
            start, opened = match.span()
            if start < end:
                continue
            closing = _CLOSING.search(data, opened, opened + _KEY_BYTES_MAX)
            body = _BODY.match(data, opened, opened + _KEY_BYTES_MAX)
            end = closing.end() if closing else body.end() if body else opened
            if end - opened > len("-----END PRIVATE KEY-----"):
                yield Span(start, end, _LABEL, "private_key", 110)


def bits(token: str) -> float:
    """Return Shannon's entropy of a token's characters, in bits a character."""
    size = len(token)
    counts = [token.count(letter) for letter in set(token)]
    return -sum(count / size * log2(count / size) for count in counts)


def _made_by_machine(found: str) -> bool:
    """Whether a token is no row of words: digits or capitals inside, characters well mixed."""
    tail = found[3:]
    mixed = any(map(str.isdigit, tail)) or any(map(str.isupper, tail[1:]))
    return mixed and bits(tail) >= _BITS_MIN

"""Case 35: a page that shows what a model wrote runs none of it, and asks nobody else for it."""

from typing import Final

from legato.cli.security_check.bench import OK, Answer, Bench, bearer
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.verdicts import counted, not_proven

_SAID: Final = "<script>alert(1)</script> ![](http://evil.example/x) <img src=x onerror=alert(1)>"
_UI: Final = "/ui/"
_ONLY_FROM_HERE: Final = ("script-src", "connect-src", "form-action", "font-src", "worker-src")
_NOWHERE: Final = ("object-src", "frame-src", "media-src")
"""Not said: then `default-src` holds."""


def inert(bench: Bench) -> Judged:
    """35: browsers are told to run and to fetch nothing that isn't the console's own."""
    page = bench.send("GET", _UI, None, {"accept": "text/html"})
    if page.status != OK or b"<script" not in page.body:
        return not_proven("the console isn't built into this installation")
    holds = _of_page(page)
    with bench.models.doing("say"):
        bench.models.says = _SAID
        holds |= _of_data("an answer", bench.ask("chat", "Say it."))
    for path in ("/api/v1/requests", "/api/v1/captures"):
        answer = bench.send("GET", path, None, bearer(bench.keys.admin))
        holds |= _of_data(path, answer)
    wrong = [what for what, held in holds.items() if not held]
    return counted(wrong, len(holds), "things a browser is told of the console and its data")


def _of_data(what: str, answer: Answer) -> dict[str, bool]:
    kind = answer.headers.get("content-type", "")
    return {
        f"{what} is JSON": kind.startswith("application/json"),
        f"{what} isn't sniffed": answer.headers.get("x-content-type-options") == "nosniff",
    }


def _of_page(page: Answer) -> dict[str, bool]:
    policy = _policy(page.headers.get("content-security-policy", ""))
    default = policy.get("default-src", {"*"})
    here = {"'self'", "'none'"}
    return {
        **{one: policy.get(one, default) <= here for one in _ONLY_FROM_HERE},
        **{one: policy.get(one, default) == {"'none'"} for one in _NOWHERE},
        # a picture's address carries what the model read
        "img-src": policy.get("img-src", default) <= here | {"data:"},
        **{one: policy.get(one) == {"'none'"} for one in ("frame-ancestors", "base-uri")},
        "default-src": default == {"'none'"},
        "x-content-type-options": page.headers.get("x-content-type-options") == "nosniff",
    }


def _policy(text: str) -> dict[str, set[str]]:
    parts = [one.split() for one in text.split(";") if one.strip()]
    return {name: set(values) for name, *values in parts}

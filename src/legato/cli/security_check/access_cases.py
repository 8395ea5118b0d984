"""Cases 21, 22 and 24 to 28: who may ask for what, and where calls may go."""

import copy
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import yaml

from legato.app.checks.configuration import load, no_secret
from legato.cli.security_check.bench import CHAT, OK, Bench, asking, bearer
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.verdicts import counted, failed, not_proven, passed
from legato.core.errors import ConfigInvalid

_OPEN: Final = frozenset({"/", "/ui/", "/healthz", "/readyz", "/metrics"})
_SIGNED: Final = frozenset({"/v1/hooks/{id}"})
"""They take a signature instead of a key, and say 401 without one whether they exist or not."""
_INSIDE: Final = (
    "http://169.254.169.254/v1",
    "http://[::ffff:127.0.0.1]/v1",
    "http://2130706433/v1",
    "http://0x7f.1/v1",
)
_NAMES: Final = ("a#b", "a@b", "a\\b", "..", "a/../b", "a%2fb", "a?b")
_STRANGERS: Final = ("' OR 1=1--", "lg-\x00", "lg-" + "a" * 5_000, "*", "%00", "lg-nobody")
_FORGED: Final = {
    "host": "localhost",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-user": "admin",
    "x-real-ip": "127.0.0.1",
    "forwarded": "for=127.0.0.1;host=localhost",
}
_AT_ONCE: Final = 8
_OF_ACCOUNTS = "`control:self:update`"
_CONTROL: Final = "/api/"
_PARAMETER: Final = re.compile(r"\{[^}]+\}")


def inner_addresses(bench: Bench) -> Judged:
    """21: addresses of metadata and hidden loopback are refused, a redirection isn't followed."""
    tree = yaml.safe_load((bench.folder / "legato.yaml").read_text())
    file = bench.folder / "inside.yaml"
    taken = [url for url in _INSIDE if not _is_refused(tree, url, file)]
    wrong = [f"base_url {urlsplit(url).netloc} was taken" for url in taken]
    before = len(bench.models.bodies)
    with bench.models.doing("redirect"):
        answer = bench.ask("chat", "Where does this lead?")
    if len(bench.models.bodies) == before:
        return not_proven(f"no model was asked, so none redirected ({answer.code})")
    if bench.models.strayed:
        wrong.append("a redirection to another address was followed")
    verdict, evidence = counted(wrong, len(_INSIDE) + 1, "addresses refused or not followed")
    return verdict, f"{evidence}; DNS that changes its answer is not tried here"


def names_in_addresses(bench: Bench) -> Judged:
    """22: names that would change an address are refused."""
    spec = {"rules": [{"name": "r", "detect": {"words": {"w": ["a"]}}, "action": "flag"}]}
    wrong = []
    for name in _NAMES:
        path = f"/api/v1/registry/objects/guardrail/{quote(name, safe='')}/versions"
        answer = bench.post(path, {"spec": spec}, bench.keys.admin)
        if answer.status not in {400, 404}:
            wrong.append(f"{quote(name)}: {answer.code}")
    return counted(wrong, len(_NAMES), "names refused")


def strange_keys(bench: Bench) -> Judged:
    """24: strange keys are unknown keys."""
    wrong = []
    for number, key in enumerate(_STRANGERS):
        status = _raw_status(bench, key)
        if status not in {"401", "400"}:
            wrong.append(f"key {number + 1}: {status}")
    verdict, evidence = counted(wrong, len(_STRANGERS), "keys refused")
    return verdict, f"{evidence}; the time it takes is not measured here"


def own_rights(bench: Bench) -> Judged:
    """25: a caller's key changes nothing of the control plane, its own rights least of all."""
    wrong, tried = [], 0
    of_people = set(_control_routes(bench, _OF_ACCOUNTS))  # a key has no account to change
    for method, path in _control_routes(bench):
        if method not in {"post", "put", "patch", "delete"}:
            continue
        tried += 1
        headers = {"content-type": "application/json"} | bearer(bench.keys.caller)
        answer = bench.send(method.upper(), path, b"{}", headers)
        refused = {401, 403, 404} | ({400} if (method, path) in of_people else set())
        if answer.status not in refused:
            wrong.append(f"{method} {path}: {answer.code}")
    return counted(wrong, tried, "changes by a caller's key, none was made")


def foreign_ids(bench: Bench) -> Judged:
    """26: what belongs to another tenant isn't there."""
    wrong, tried, real = [], 0, 0
    ids = _own_ids(bench)
    for one in bench.endpoints:
        if "{id}" not in one.path or one.path in _SIGNED:
            continue
        collection = one.path.partition("/{id}")[0]
        known = ids.get(collection)
        real += known is not None
        asked = one.path.replace("{id}", known or "x" * 12)
        body = b"{}" if one.method == "POST" else None
        answer = bench.send(one.method, asked, body, bearer(bench.keys.foreign))
        tried += 1
        if answer.status != 404:  # noqa: PLR2004 - HTTP
            wrong.append(f"{one.method} {one.path}: {answer.code}")
    for collection, known in ids.items():
        own = bench.send("GET", f"{collection}/{known}", None, bearer(bench.keys.caller))
        if own.status != OK:
            wrong.append(f"its owner's {collection}: {own.code}")
    verdict, evidence = counted(wrong, tried, "routes with an id, 404 for another organisation")
    return verdict, f"{evidence}; {real} of them with an id that exists"


def without_key(bench: Bench) -> Judged:
    """27: every route asks for a key, but the few that are open on loopback."""
    control = [(method.upper(), path) for method, path in _control_routes(bench)]
    if not control:
        return not_proven("the control API's document can't be read")
    routes = [(one.method, one.path) for one in bench.endpoints if one.path not in _OPEN] + control
    tried = [(*route, key) for route in routes for key in ("", "lg-nobody")]

    def asked(one: tuple[str, str, str]) -> str:
        method, path, key = one
        body = b"{}" if method in {"POST", "PUT", "PATCH"} else None
        headers = bearer(key) if key else {}
        status = bench.send(method, path.replace("{id}", "x"), body, headers).status
        return "" if status == 401 else f"{method} {path}: {status}"  # noqa: PLR2004 - HTTP

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        wrong = list(filter(None, pool.map(asked, tried)))
    return counted(wrong, len(tried), f"requests without a key that holds ({len(routes)} routes)")


def forged_headers(bench: Bench) -> Judged:
    """28: forged headers give nobody a right."""
    body = json.dumps(asking("chat", bench.route, "hi", stream=False)).encode()
    stranger = bench.send("POST", CHAT, body, _FORGED).status
    caller = bench.send("GET", "/api/v1/keys", None, bearer(bench.keys.caller) | _FORGED).status
    plain = bench.send("GET", "/api/v1/keys", None, bearer(bench.keys.caller)).status
    admin = bench.send("GET", "/api/v1/keys", None, bearer(bench.keys.admin)).status
    evidence = f"no key {stranger}; a caller at the keys {caller}, without forging {plain}"
    if admin != OK:
        return not_proven(f"an admin got {admin} at the keys; {evidence}")
    right = stranger == 401 and caller == plain != OK  # noqa: PLR2004 - HTTP
    return passed(evidence) if right else failed(evidence)


def _is_refused(tree: dict[str, Any], url: str, file: Path) -> bool:
    changed = copy.deepcopy(tree)
    changed["providers"][0]["base_url"] = url
    file.write_text(yaml.safe_dump(changed))
    try:
        load(file, {}, secrets=no_secret)
    except ConfigInvalid:
        return True
    return False


def _raw_status(bench: Bench, key: str) -> str:
    """Send a key that no client library would; return the status, "" where it only closed."""
    where = urlsplit(bench.url)
    head = f"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
    with socket.create_connection(
        (where.hostname or "", where.port or 0), timeout=30
    ) as connection:
        connection.sendall(head.encode("latin-1"))
        return connection.recv(64).decode("latin-1").partition(" ")[2][:3]


def _control_routes(bench: Bench, permission: str = "") -> Iterator[tuple[str, str]]:
    """Yield methods and paths of the control API, by its own document; of a permission, or all."""
    for path, methods in (bench.control_document() or {"paths": {}})["paths"].items():
        for method, declared in methods.items():
            if declared.get("security") == [{}]:  # for who is about to sign in
                continue
            if permission not in declared.get("description", ""):
                continue
            if path.startswith(_CONTROL) and method in {"get", "post", "put", "patch", "delete"}:
                yield method, _PARAMETER.sub("x", path)


def _own_ids(bench: Bench) -> dict[str, str]:
    """Make what has an id, as the caller; return the ids by collection."""
    ids = {}
    body = {"model": bench.route, "input": "Keep this.", "store": True}
    kept = bench.post("/v1/responses", body)
    if kept.status == OK:
        ids["/v1/responses"] = kept.json["id"]
    form = (
        "--b\r\ncontent-disposition: form-data; name=purpose\r\n\r\nbatch\r\n"
        '--b\r\ncontent-disposition: form-data; name=file; filename="a.jsonl"\r\n\r\n'
        "{}\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    file = bench.post("/v1/files", form.encode(), headers=headers)
    if file.status == OK:
        ids["/v1/files"] = file.json["id"]
    return ids

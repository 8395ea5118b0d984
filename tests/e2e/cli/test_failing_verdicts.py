"""Each verdict of `legato security check` can fail: a gateway that does the case's harm is caught.

The cases run on a stand-in for Legato that breaks one promise at a time. Cases 6, 9, 11 and 13 fail
on the real program with a policy switched off (test_security_command), 33 and 38 on a server that
does harm (test_security_of_registry).
"""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import yaml

from legato.api.anthropic.encoder import AnthropicEncoder
from legato.api.anthropic.render import render_message
from legato.api.openai.encoder import OpenAIEncoder
from legato.api.openai.render import render_chat
from legato.app.checks.configuration import load
from legato.app.config.data_dir import DataDir
from legato.audit.event import Act, Actor, Subject
from legato.cli.security_check import audit_cases, canary_case, masking_cases, run
from legato.cli.security_check.bench import PATHS, Answer, Bench
from legato.cli.security_check.configuration import Caller, Issuer, Keys
from legato.cli.security_check.identity_server import IdentityServer
from legato.cli.security_check.model_server import PLACEHOLDER, ModelServer, _changed
from legato.cli.security_check.probes import Probe, Probed
from legato.cli.security_check.verdicts import Verdict
from legato.core.chat import (
    ChatResponse,
    Choice,
    Ended,
    Started,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    ToolUse,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.usage import Usage
from legato.storage.audit.access import AccessLog
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

VALUE = "ann.lee@corp-mail.org"
STANDS = "EMAIL_ADDRESS_q7w8x9_001"
PROBED = Probed(masked=(Probe("EMAIL_ADDRESS", VALUE, f"Write to {VALUE} please."),))
CONFIG = """\
config_version: 1
providers: [{name: open, kind: openai_compatible, base_url: "https://api.example.com/v1"}]
deployments: [{name: small, provider: open, model: m}]
guardrails:
  policies: [{name: p, rules: [{name: r, detect: {labels: [EMAIL_ADDRESS]}, action: redact}]}]
"""
SHOWN_ELSEWHERE = {6, 9, 11, 13, 33, 38}
USAGE = Usage(out_text=7)


class Careless(Bench):
    """Masks and restores as Legato does, but for one promise that it breaks."""

    harm: Any = None

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        given = dict(headers or {})
        if path in PATHS.values() and method == "POST" and "expires" not in given:
            try:
                asked = json.loads(body)
            except (ValueError, RecursionError):
                return Answer(200, {}, b"{}")
            return self.chat(path, asked, given)
        return self.other(method, path, given)

    def other(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Answer whatever is asked with what the asker must not have."""
        del method
        if "/login/oidc/" in path:
            return _led(path, headers)
        if path == "/ui/":
            return Answer(200, {"content-security-policy": "default-src *"}, b"<script>1</script>")
        if path == "/api/openapi.json":
            routes: dict[str, Any] = {
                "/api/v1/keys": {"get": {}, "post": {}},
                "/api/v1/keys/{id}": {"patch": {}},
            }
            document = {"paths": routes, "components": {"schemas": {}}}
            return Answer(200, {}, json.dumps(document).encode())
        status = 201 if path.endswith("security-check-audit/versions") else 200
        return Answer(status, {"access-control-allow-origin": "*"}, b'{"id": "x", "data": []}')

    def chat(self, path: str, asked: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        """Ask the model with what stands for the value; put it back, the harmful way."""
        surface = next(name for name, one in PATHS.items() if one == path)
        text = _asked(asked)
        harm = self.harm
        if asked.get("user") == "u" and asked.get("model", "").startswith("security-check-no"):
            return Answer(404, {}, b"{}")
        sent = harm.sent(text) if harm.sent else text.replace(VALUE, STANDS)
        self.models.bodies.append(
            {"model": asked.get("model", ""), "messages": [{"content": sent}]}
        )
        said = harm.said(text, _changed(self.models.how, sent))
        stream = bool(asked.get("stream"))
        cached = "hit" if harm.cached else "miss"
        body = _rendered(surface, said, stream=stream, tool=self.models.how == "tool", raw=harm.raw)
        del headers
        return Answer(200, {"x-legato-cache": cached}, body)


def _led(path: str, headers: Mapping[str, str]) -> Answer:
    """Begin a sign-in, or end one, as whoever asks would have it."""
    asked = parse_qs(urlsplit(path).query)
    if "state" in asked:
        place = {"location": asked["state"][0], "set-cookie": "legato-session=s"}
        return Answer(302, place)
    back = f"https://{headers.get('host', 'here')}/api/v1/login/oidc/p/callback"
    query = urlencode({"state": asked.get("next", ["/"])[0], "redirect_uri": back, "nonce": "n"})
    return Answer(302, {"location": f"?{query}", "set-cookie": "legato-sign-in=b"})


def _asked(body: dict[str, Any]) -> str:
    given = body.get("input")
    if isinstance(given, str):
        return given
    turns = body.get("messages") or ({"content": ""},)
    content = turns[-1]["content"]
    return content if isinstance(content, str) else ""


def _rendered(surface: str, said: str, *, stream: bool, tool: bool, raw: bool) -> bytes:
    arguments = f'{{"{said}": {{"to": "{said}"}}}}' if raw else json.dumps({said: {"to": said}})
    if surface == "responses" or stream:
        return _frames(surface, said, arguments, stream=stream, tool=tool)
    part = ToolUse("t1", "send", "{}" if raw and surface == "messages" else arguments)
    response = ChatResponse(
        "r", "m", (Choice((part if tool else Text(said),), StopReason.END),), USAGE
    )
    return render_message(response) if surface == "messages" else render_chat(response, now_s=1)


def _frames(surface: str, said: str, arguments: str, *, stream: bool, tool: bool) -> bytes:
    if surface == "responses":
        item = {"type": "function_call", "arguments": arguments} if tool else {
            "type": "message", "content": [{"type": "output_text", "text": said}]}  # fmt: skip
        whole = {"id": "resp-1", "output": [item]}
        kind = "function_call_arguments" if tool else "output_text"
        event = {"type": f"response.{kind}.delta", "delta": arguments if tool else said}
        return f"data: {json.dumps(event)}\n\n".encode() if stream else json.dumps(whole).encode()
    events: list[Any] = [Started("r", "m")]
    told = (
        [ToolUseStarted(0, "t1", "send"), ToolUseDelta(0, arguments)] if tool else [TextDelta(said)]
    )
    events += [*told, UsageReported(USAGE), Stopped(StopReason.END), Ended()]
    encoder = (
        AnthropicEncoder() if surface == "messages" else OpenAIEncoder(wants_usage=True, now_s=1)
    )
    return b"".join(map(encoder.encode, events))


def restored(text: str, said: str) -> str:
    return said.replace(STANDS, VALUE) if VALUE in text else said


def harm(
    said: Callable[[str, str], str] = restored,
    sent: Callable[[str], str] | None = None,
    *,
    cached: bool = False,
    raw: bool = False,
) -> Any:
    return SimpleNamespace(said=said, sent=sent, cached=cached, raw=raw)


HARMS: dict[int, Any] = {
    1: harm(lambda _, said: said),
    2: harm(lambda _, said: restored(_, said).replace("[PERSON]", "Ann")),
    3: harm(lambda _, said: PLACEHOLDER.sub(VALUE, said)),
    4: harm(lambda _, said: PLACEHOLDER.sub(VALUE, said)),
    5: harm(lambda _, said: said.replace(STANDS[:-1], VALUE)),
    7: harm(raw=True),
    8: harm(lambda _, said: restored(_, said).encode("ascii", "replace").decode()),
    12: harm(cached=True),
    14: harm(sent=lambda text: re.sub(r"\d", "0", text)),
    23: harm(sent=lambda text: text.replace("{", "")),
    39: harm(lambda _, said: said + "}]}"),
}
"""What it does wrong with texts; all other cases have one that allows whatever is asked."""


@pytest.fixture
def models() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.server_close()


@pytest.fixture
def identity() -> Iterator[IdentityServer]:
    server = IdentityServer()
    yield server
    server.server_close()


@pytest.fixture
def bench(
    models: ModelServer,
    identity: IdentityServer,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Careless]:
    (tmp_path / "legato.yaml").write_text(CONFIG)
    config = load(tmp_path / "legato.yaml", {}).config
    endpoints = [
        SimpleNamespace(path=path, method="POST", surface=name) for name, path in PATHS.items()
    ] + [SimpleNamespace(path="/v1/responses/{id}", method="GET", surface="")]
    with YesMan() as url:
        careless = Careless(
            config=config,
            caller=Caller("c"),
            keys=Keys(),
            route="small",
            url=url,
            models=models,
            identity=identity,
            issuer=Issuer(),
            provider="p",
            endpoints=endpoints,  # type: ignore[arg-type]
            folder=tmp_path,
        )
        case = request.node.callspec.params["case"]
        careless.harm = HARMS.get(case, harm())
        yield careless


class YesMan:
    """A server that answers 200 whatever comes, before it has read all of it."""

    def __enter__(self) -> str:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket) -> None:
        with connection:
            rest = b""
            while b"\r\n\r\n" not in rest:
                rest += connection.recv(65_536)
            while b"chunked" in rest and not rest.endswith(b"0\r\n\r\n"):
                connection.settimeout(0.2)
                try:
                    rest = b"chunked" + connection.recv(1 << 20)[-5:]
                except TimeoutError:
                    break
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


def broken(case: int, bench: Careless, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break what no answer breaks."""
    if case == 15:
        clock = iter((0.0, 0.1, 1.0, 9.0))
        monkeypatch.setattr(
            "legato.cli.security_check.body_cases.time.monotonic", lambda: next(clock)
        )
    if case == 21:
        tree = yaml.safe_load(CONFIG) | {"egress": {"private": "allow"}}
        (bench.folder / "legato.yaml").write_text(yaml.safe_dump(tree))
        bench.models.strayed.append("/inside")
    if case == 22:
        monkeypatch.setattr(bench.__class__, "other", lambda *_: Answer(201, {}, b"{}"))


CASES = sorted((run._MASKING.keys() | run._OTHERS.keys() | {12, 32, 36, 37}) - SHOWN_ELSEWHERE)


@pytest.mark.parametrize("case", CASES)
def test_a_case_fails_where_its_promise_is_broken(
    case: int, bench: Careless, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(case, bench, monkeypatch)
    if case in run._MASKING:
        verdict, evidence = run._judged(run._MASKING[case], bench, PROBED)
    elif case == 12:
        verdict, evidence = masking_cases.cached(bench, PROBED)
    elif case == 32:
        (bench.folder / "data").mkdir()
        (bench.folder / "data" / "spill").write_text(f"x {canary_case.CANARY}")
        (bench.folder / "log").write_text(bench.keys.vendor)
        canary_case.keep_metrics(bench)
        verdict, evidence = canary_case.search(bench, PROBED, ["200"])
    elif case == 37:
        monkeypatch.setattr(audit_cases, "_full_disk", lambda _: nullcontext())
        verdict, evidence = audit_cases.unwritable(bench)
    elif case == 36:
        logged(bench)
        monkeypatch.setattr(audit_cases, "find_kept_fault", lambda *_: SimpleNamespace(fault=None))
        whole = SimpleNamespace(fault=None)
        monkeypatch.setattr(audit_cases, "verify_export", lambda *_: whole)
        verdict, evidence = audit_cases.tampered(bench)
        assert "8 of 10 went wrong" in evidence
    else:
        verdict, evidence = run._judged(run._OTHERS[case], bench)
    assert verdict is Verdict.FAILED, evidence
    assert "unexpected form" not in evidence


def test_every_case_is_tried() -> None:
    assert set(CASES) | SHOWN_ELSEWHERE == set(run.TITLES)


@pytest.mark.parametrize("case", sorted({*run._MASKING, 14, 36, 39}))
def test_the_same_gateway_passes_where_it_keeps_its_promise(case: int, bench: Careless) -> None:
    bench.harm = harm()
    if case == 36:
        logged(bench)
    if case in run._MASKING:
        verdict, evidence = run._MASKING[case](bench, PROBED)
    else:
        verdict, evidence = run._OTHERS[case](bench)
    assert verdict is Verdict.PASSED, evidence


def logged(bench: Careless) -> None:
    """Record acts in a database of its own."""
    data = DataDir(bench.folder / "data")
    data.create()
    engine = open_engine(data.database_url)
    upgrade(engine)
    for number in range(6):
        act = Act("", "registry.create", Subject("guardrail", f"p{number}"))
        AccessLog(engine).record(act, Actor("key", "k"))
    engine.dispose()

"""Cases 10, 13 to 20, 23 and 39: what is sent must not hurt, whatever it is."""

import gzip
import http.client
import json
import time
from contextlib import closing
from typing import Final

from legato.cli.security_check.bench import CHAT, OK, PATHS, Answer, Bench, bearer, said
from legato.cli.security_check.configuration import FAILING_WORD
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.model_server import TRUNCATED
from legato.cli.security_check.probes import spoken
from legato.cli.security_check.verdicts import counted, failed, not_applicable, not_proven, passed

_MIB: Final = 1024 * 1024
_LARGEST: Final = 256 * _MIB
_LOOK_ALIKES: Final = (
    "4539 1488 0343 6468",
    "000-12-3456",
    "a2043d77faecbaa4ff21db0c2e0b03dd475c5a6c",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "v10.22.3-rc.14",
)
_TEMPLATES: Final = (
    "{{''.__class__.__mro__}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{%print(1)%}",
    "{0}",
)
_CODE: Final = ("''.__class__ == 1", "__import__('os') == 1", "${7*7} == 49")
_REFUSED: Final = (400, 413)


def broken_detector(bench: Bench) -> Judged:
    """10: a detector that fails stops the request, at every deployment."""
    if not bench.config.guardrails.policies:
        return not_applicable("the configuration has no policy")
    before, wrong = len(bench.models.bodies), []
    for surface in ("chat", "messages", "responses"):
        answer = bench.ask(surface, FAILING_WORD, key=bench.keys.failing)
        if answer.status != 503 or FAILING_WORD.encode() in answer.body:  # noqa: PLR2004 - HTTP
            wrong.append(f"{surface}: {answer.code}")
    reached = len(bench.models.bodies) - before
    if reached:
        wrong.append(f"{reached} reached a model")
    return counted(wrong, 3, "requests beside a detector that fails, no deployment asked")


def answers_on_their_way(bench: Bench) -> Judged:
    """13: what a rule keeps out of answers isn't sent, whole or streamed, in any dialect."""
    probes = spoken(bench)
    if not probes:
        return not_applicable("no rule on answers redacts or blocks what this command can say")
    wrong, tried = [], 0
    with bench.models.doing("say"):
        for one in probes:
            bench.models.says = one.text
            for surface in PATHS:
                for stream in (False, True):
                    way = f"{surface}{' streamed' if stream else ''}"
                    before = len(bench.models.bodies)
                    answer = bench.ask(surface, f"Say {one.label} by {way}.", stream=stream)
                    tried += len(bench.models.bodies) > before
                    if _lets_through(answer, surface, one.value, stream=stream):
                        wrong.append(f"{one.label} by {way}")
    return counted(wrong, tried, "answers with what a rule keeps out")


def look_alikes(bench: Bench) -> Judged:
    """14: what only looks like personal data goes through as it is."""
    if not bench.config.guardrails.policies:
        return not_applicable("the configuration has no policy")
    wrong = []
    for number, text in enumerate(_LOOK_ALIKES):
        before = len(bench.models.bodies)
        answer = bench.ask("chat", f"build {text} done")
        if text not in bench.models.sent_since(before):
            wrong.append(f"look-alike {number + 1}: {answer.code}")
    return counted(wrong, len(_LOOK_ALIKES), "look-alikes (card, SSN, SHA, UUID, version)")


def endless_addresses(bench: Bench) -> Judged:
    """15: a megabyte of `a@a@` takes less than a second more than a megabyte of words."""
    if not bench.config.guardrails.policies:
        return not_applicable("the configuration has no policy, nothing looks into texts")
    plain, plain_s = _timed(bench, "word " * (_MIB // 5))
    hard, hard_s = _timed(bench, "a@" * (_MIB // 2))
    evidence = f"{hard.code} after {hard_s:.2f} s; plain words {plain.code} after {plain_s:.2f} s"
    if plain.status == 413:  # noqa: PLR2004 - HTTP
        return not_proven("server.body_bytes_max is under a megabyte, so it is refused unread")
    if plain.status == 0 or hard.status == 0:
        return failed(f"no answer: {evidence}")
    return passed(evidence) if hard_s - plain_s < 1 else failed(evidence)


def endless_body(bench: Bench) -> Judged:
    """16: a chunked body without end is refused."""
    limit = bench.config.server.body_bytes_max
    if limit > _LARGEST:
        return not_proven(f"server.body_bytes_max is {limit}: too much to send here")
    wrong = []
    paths = bench.json_surfaces()[:3]
    for path in paths:
        status = _endless(bench, path, limit)
        if status not in {0, 413}:
            wrong.append(f"{path}: {status}")
    return counted(wrong, len(paths), f"bodies beyond {limit} bytes refused")


def deep(bench: Bench) -> Judged:
    """17: JSON of a hundred thousand levels is refused."""
    return _all_refused(bench, [_with('"metadata":' + "[" * 100_000 + "]" * 100_000)])


def twice(bench: Bench) -> Judged:
    """18: a second model is refused, an escaped one too."""
    return _all_refused(bench, [_with('"model":"other"'), _with('"mod\\u0065l":"other"')])


def strict(bench: Bench) -> Judged:
    """19: NaN, endless integers and lone surrogates are refused."""
    fields = ('"temperature":NaN', '"seed":' + "9" * 5_000, '"user":"\\ud800"')
    return _all_refused(bench, [_with(one) for one in fields])


def bomb(bench: Bench) -> Judged:
    """20: a small body that unpacks to a huge one is refused."""
    limit = bench.config.server.body_bytes_max
    if limit > _LARGEST:
        return not_proven(f"server.body_bytes_max is {limit}: too much to pack here")
    packed = gzip.compress(_with('"user":"' + "a" * (limit + _MIB) + '"'))
    wrong, paths = [], bench.json_surfaces()
    for path in paths:
        answer = bench.post(path, packed, headers={"content-encoding": "gzip"})
        if answer.status not in {413, 415}:
            wrong.append(f"{path}: {answer.code}")
    return counted(wrong, len(paths), f"surfaces refused {len(packed)} bytes that unpack to more")


def expressions(bench: Bench) -> Judged:
    """23: templates in prompts are letters; code in conditions is refused."""
    wrong = []
    for number, text in enumerate(_TEMPLATES):
        before = len(bench.models.bodies)
        answer = bench.ask("chat", text)
        literal = json.dumps(text, ensure_ascii=False)[1:-1] in bench.models.sent_since(before)
        if not literal and not answer.blocked:
            wrong.append(f"template {number + 1}: {answer.code}")
    for number, when in enumerate(_CODE):
        spec = {"input": {"conditions": [{"name": "c", "when": when, "message": "no"}]}}
        path = "/api/v1/registry/objects/guardrail/security-check/versions"
        answer = bench.post(path, {"spec": spec}, bench.keys.admin)
        if answer.status != 400:  # noqa: PLR2004 - HTTP
            wrong.append(f"condition {number + 1}: {answer.code}")
    return counted(wrong, len(_TEMPLATES) + len(_CODE), "templates literal, conditions refused")


def truncated(bench: Bench) -> Judged:
    """39: truncated JSON of a model is never silently completed."""
    body = {
        "model": bench.route,
        "messages": [{"role": "user", "content": "Answer in JSON."}],
        "response_format": {"type": "json_object"},
    }
    with bench.models.doing("truncate"):
        answer = bench.post(CHAT, body)
    if answer.status != OK:
        code = answer.code
        return passed(f"refused: {code}") if "output" in code else not_proven(f"answered {code}")
    told = said("chat", answer, stream=False)[0]
    if told == TRUNCATED:
        return passed("left truncated, as the model wrote it")
    marks = [name for name in answer.headers if "repair" in name or "guardrails" in name]
    return passed(f"changed, and flagged by {marks[0]}") if marks else failed("changed unflagged")


def _lets_through(answer: Answer, surface: str, value: str, *, stream: bool) -> bool:
    """Whether as much as the first half of a value was sent."""
    begun = value[: max(4, len(value) // 2)]
    if begun.encode() in answer.body:
        return True
    return answer.status == OK and begun in said(surface, answer, stream=stream)[0]


def _timed(bench: Bench, text: str) -> tuple[Answer, float]:
    began_s = time.monotonic()
    answer = bench.ask("chat", text)
    return answer, time.monotonic() - began_s


def _with(raw: str) -> bytes:
    body = {
        "model": "security-check-no-such-model",
        "messages": [{"role": "user", "content": "hi"}],
        "input": "hi",
        "max_tokens": 9,
    }
    return (json.dumps(body)[:-1] + "," + raw + "}").encode()


def _all_refused(bench: Bench, bodies: list[bytes]) -> Judged:
    # Surfaces that take the body as it is, but for the model nobody has: else it proves nothing.
    plain = _with('"user":"u"')
    paths = [path for path in bench.json_surfaces() if bench.post(path, plain).status == 404]  # noqa: PLR2004 - HTTP
    wrong = [
        f"{path}: {answer.code}"
        for path in paths
        for body in bodies
        if (answer := bench.post(path, body)).status not in _REFUSED
    ]
    return counted(wrong, len(paths) * len(bodies), f"bodies refused by {len(paths)} surfaces")


def _endless(bench: Bench, path: str, limit: int) -> int:
    """Send until it is refused or twice the limit is through; return the status, 0 for none."""
    chunk = b"x" * 0x10000
    with closing(bench.connection()) as connection:
        try:
            connection.putrequest("POST", path)
            for name, value in bearer(bench.keys.caller).items():
                connection.putheader(name, value)
            connection.putheader("transfer-encoding", "chunked")
            connection.endheaders()
            for _ in range(2 * limit // len(chunk) + 2):
                connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        except OSError:
            pass  # it was refused while we sent: the answer may lie there
        try:
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0

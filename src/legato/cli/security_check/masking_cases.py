"""Cases 1 to 9, 11 and 12: what is masked reaches no model, and comes back to its caller alone."""

import json
from collections.abc import Callable
from typing import Final

from legato.cli.security_check.bench import OK, PATHS, Answer, Bench, asking, said
from legato.cli.security_check.model_server import INVENTED, PLACEHOLDER
from legato.cli.security_check.probes import Probe, Probed
from legato.cli.security_check.verdicts import (
    Verdict,
    counted,
    failed,
    not_applicable,
    not_proven,
    passed,
)

Judged = tuple[Verdict, str]
_WAYS: Final = [(surface, stream) for surface in PATHS for stream in (False, True)]
_FULL_WIDTH: Final = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
_ZERO_WIDTH: Final = "\u200b"
_DISGUISED: Final = frozenset({"EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE"})
_LIKE_ONES: Final = "PERSON_bcdfgh_001 EMAIL_ADDRESS_k3f9wz_001 [PERSON] EMAIL_ADDRESS_"


def unmasked(probed: Probed) -> Judged | None:
    """Return the verdict where there is nothing masked to go on with; None where there is."""
    if probed.masked:
        return None
    if probed.none:
        return not_applicable("no policy redacts or blocks what this command can send for it")
    if probed.leaked:
        return not_proven("nothing was masked, see case 6")
    if probed.blocked:
        return not_applicable(f"all {len(probed.blocked)} values are refused, none is redacted")
    return not_proven(f"the route answered {probed.other[0][1]}")


def leaking(probed: Probed) -> Judged | None:
    """Return the verdict where values go through as they are, and none is masked or blocked."""
    if probed.leaked and not (probed.masked or probed.blocked):
        return failed(_leaks(probed))
    return None


def restored(bench: Bench, probed: Probed) -> Judged:
    """1: a placeholder split one character a chunk is restored exactly."""
    return _each_way(bench, _sentence(probed), "", lambda text, told, _: told == text)


def like_ones(bench: Bench, probed: Probed) -> Judged:
    """2: what a user writes in a placeholder's form is left alone."""
    text = f"{_LIKE_ONES} {_sentence(probed)}"
    return _each_way(bench, text, "", lambda text, told, _: told == text)


def invented(bench: Bench, probed: Probed) -> Judged:
    """3: a placeholder that the model makes up stays as it is."""

    def stays(text: str, told: str, sent: str) -> bool:
        if PLACEHOLDER.search(sent) is None:  # surrogates: nothing has a form to be made up
            return told == text
        return told.startswith(text) and told.endswith(f"{INVENTED} EMAIL_ADDRESS_qqqqqq_001")

    return _each_way(bench, _sentence(probed), "invent", stays)


def foreign(bench: Bench, probed: Probed) -> Judged:
    """4: another tenant's placeholder is never restored."""
    before = len(bench.models.bodies)
    bench.ask("chat", probed.masked[0].text)
    found = PLACEHOLDER.search(bench.models.sent_since(before))
    if found is None:
        return not_applicable("a surrogate stands in, no placeholder")
    wrong, tried = [], 0
    for key in (bench.keys.foreign, bench.keys.other):
        for stream in (False, True):
            text = f"what is {found[0]}?"
            answer = bench.ask("chat", text, stream=stream, key=key)
            tried += 1
            if answer.status != OK or said("chat", answer, stream=stream)[0] != text:
                wrong.append(answer.code)
    return counted(wrong, tried, "answers left another request's placeholder as it is")


def cut(bench: Bench, probed: Probed) -> Judged:
    """5: a placeholder that `max_tokens` cuts stays cut."""
    value = probed.masked[0].value

    def literal(_: str, told: str, sent: str) -> bool:
        found = PLACEHOLDER.search(sent)
        # A surrogate has no end that could be told from its text.
        return found is None or (value not in told and told.endswith(found[0][:-1]))

    return _each_way(bench, f"it is {value}", "cut", literal)


def every_place(bench: Bench, probed: Probed) -> Judged:
    """6: tool arguments, addresses of pictures, names of fields, system, metadata."""
    wrong = [_leaks(probed)] if probed.leaked else []
    tried = len(wrong)
    for one in (*probed.masked, *probed.blocked):
        for surface, body in _bodies(bench.route, one).items():
            before = len(bench.models.bodies)
            answer = bench.post(PATHS[surface], body)
            sent = bench.models.sent_since(before)
            if answer.status != OK and len(bench.models.bodies) == before:
                tried += answer.blocked
                continue
            tried += 1
            if one.value in sent or json.dumps(one.value)[1:-1] in sent:
                wrong.append(f"{one.label} by {surface}")
    return counted(wrong, tried, "requests with a value in every place")


def valid_arguments(bench: Bench, probed: Probed) -> Judged:
    """7: what is restored in a tool's arguments leaves them valid JSON."""
    wrong, tried = [], 0
    text = f'"{probed.masked[0].value}" \\ said'
    with bench.models.doing("tool"):
        for surface, stream in _WAYS:
            answer = bench.ask(surface, text, stream=stream)
            if answer.status != OK:
                continue
            tried += 1
            arguments = said(surface, answer, stream=stream)[1]
            try:
                right = json.loads(arguments) == {text: {"to": text}}
            except ValueError:
                right = False
            if not right:
                wrong.append(f"{surface}{' streamed' if stream else ''}")
    return counted(wrong, tried, "calls of tools")


def split_characters(bench: Bench, probed: Probed) -> Judged:
    """8: characters split over packets come back byte for byte."""
    text = f"日本😀 {_sentence(probed)} é😀 ß"
    return _each_way(bench, text, "", lambda text, told, _: told == text)


def disguised(bench: Bench, probed: Probed) -> Judged:
    """9: zero-width spaces and full-width digits hide nothing."""
    wrong, tried = [], 0
    for one in (*probed.masked, *probed.blocked):
        if one.label not in _DISGUISED:
            continue
        middle = len(one.value) // 2
        forms = {
            "zero-width": one.value[:middle] + _ZERO_WIDTH + one.value[middle:],
            "full-width": one.value.translate(_FULL_WIDTH),
        }
        for how, form in forms.items():
            if form == one.value:
                continue
            before = len(bench.models.bodies)
            answer = bench.ask("chat", one.text.replace(one.value, form))
            tried += 1
            if form in bench.models.sent_since(before):
                wrong.append(f"{one.label} {how}")
            elif answer.status != OK and not answer.blocked:
                wrong.append(f"{one.label} {how}: {answer.code}")
    if not tried:
        return not_applicable("no policy is about e-mail addresses, cards or IBANs")
    return counted(wrong, tried, "disguised values")


def elsewhere(bench: Bench, probed: Probed) -> Judged:
    """11: retries and other deployments get the same masked text."""
    one, before = probed.masked[0], len(bench.models.bodies)
    bench.ask("chat", one.text)
    bench.models.failing = bench.models.bodies[-1].get("model")
    start = len(bench.models.bodies)
    try:
        answer = bench.ask("chat", one.text)
    finally:
        bench.models.failing = None
    sent = bench.models.bodies[start:]
    models = len({body.get("model") for body in sent})
    if any(one.value in json.dumps(body, ensure_ascii=False) for body in sent):
        return failed(f"{len(sent)} attempts at {models} models, not all masked")
    texts = {json.dumps(body.get("messages"), ensure_ascii=False) for body in sent}
    found = {tuple(PLACEHOLDER.findall(text)) for text in texts}
    if len(sent) < 2 or len(bench.models.bodies) == before:  # noqa: PLR2004 - one and another
        return not_proven(f"only {len(sent)} attempt was made ({answer.code})")
    if len(found) > 1:
        return failed(f"{len(sent)} attempts saw {len(found)} different placeholders")
    return passed(f"{len(sent)} attempts at {models} models saw the same masked text")


def cached(bench: Bench, probed: Probed) -> Judged:
    """12: a cache gives one caller nothing of another's."""
    question = "Which colour has the security check's answer?"
    bench.ask("chat", question)
    own = bench.ask("chat", question).headers.get("x-legato-cache", "")
    other = bench.ask("chat", question, key=bench.keys.foreign)
    crossed = other.headers.get("x-legato-cache", "")
    if crossed.startswith(("hit", "exact", "semantic")):
        return failed(f"another organisation's caller got {crossed}")
    calls = f"cache for the caller again: {own or 'none'}; for another organisation: {crossed}"
    if not probed.masked:
        return passed(calls)
    wrong = []
    keys = (bench.keys.caller, bench.keys.other, bench.keys.caller)
    for key, end in zip(keys, ("a", "b", "a"), strict=True):
        text = f"{probed.masked[0].text} {end}"
        answer = bench.ask("chat", text, key=key)
        if answer.status != OK or said("chat", answer, stream=False)[0] != text:
            wrong.append(f"{answer.code}, cache {answer.headers.get('x-legato-cache')}")
    verdict, evidence = counted(wrong, len(keys), "answers with masked values, each its own")
    return verdict, f"{evidence}; {calls}"


def _leaks(probed: Probed) -> str:
    labels = ", ".join(one.label for one, _ in probed.leaked)
    why = "; ".join(sorted({why for _, why in probed.leaked if why}))
    return f"values reached the model as they are: {labels}" + (f" ({why})" if why else "")


def _sentence(probed: Probed) -> str:
    return " ".join(one.text for one in probed.masked)


def _each_way(bench: Bench, text: str, how: str, right: Callable[[str, str, str], bool]) -> Judged:
    """Ask by each surface, whole and streamed; `right` is told text, answer and what was sent."""
    wrong, refused, tried = [], [], 0
    with bench.models.doing(how):
        for surface, stream in _WAYS:
            before = len(bench.models.bodies)
            answer: Answer = bench.ask(surface, text, stream=stream)
            name = f"{surface}{' streamed' if stream else ''}"
            if answer.status != OK:
                refused.append(f"{name}: {answer.code}")
                continue
            tried += 1
            told = said(surface, answer, stream=stream)[0]
            if not right(text, told, bench.models.sent_since(before)):
                wrong.append(name)
    verdict, evidence = counted(wrong, tried, "answers")
    return verdict, "; ".join([evidence, *refused])


def _bodies(route: str, one: Probe) -> dict[str, dict[str, object]]:
    """Return a request of each dialect with the sentence in every place that takes one."""
    text = one.text
    call = {"name": "send", "arguments": json.dumps({text: [text]}, ensure_ascii=False)}
    made = {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": call}]}
    chat = asking("chat", route, text, stream=False) | {
        "metadata": {"note": text},
        "messages": [
            {"role": "system", "content": text},
            {"role": "user", "content": [{"type": "text", "text": text}]},
            made,
            {"role": "tool", "tool_call_id": "1", "content": text},
        ],
    }
    use = {"type": "tool_use", "id": "1", "name": "send", "input": {text: text}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": text}
    messages = asking("messages", route, text, stream=False) | {
        "system": text,
        "messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ],
    }
    responses = asking("responses", route, text, stream=False) | {"instructions": text}
    return {"chat": chat, "messages": messages, "responses": responses}

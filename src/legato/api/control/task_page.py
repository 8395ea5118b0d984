"""The page behind a link to a task: inert text and one form. No script, nothing from elsewhere."""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.flow.rulings import Question, Ruling, Verdict

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}h1{font-size:1.3rem}pre{background:#f4f4f4;padding:.75rem;"
    "overflow:auto;white-space:pre-wrap}label{display:block;margin:.75rem 0 .25rem}"
    "textarea,input,select{width:100%;box-sizing:border-box;font:inherit;padding:.4rem}"
    "input[type=radio],input[type=checkbox]{width:auto}button{font:inherit;padding:.5rem 1.25rem;"
    "margin:1rem .75rem 0 0}.told{border-left:4px solid #b00020;padding-left:.75rem}"
    "small{color:#555}"
)
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    # our own form must say where it comes from; nobody else is told the address
    "referrer-policy": "same-origin",
}
_BUTTONS: Final = {
    "approve": ((Verdict.APPROVE, "Approve"), (Verdict.REJECT, "Reject")),
    "edit": (
        (Verdict.EDIT, "Approve with these data"),
        (Verdict.APPROVE, "Approve as it stands"),
        (Verdict.REJECT, "Reject"),
    ),
    "choose": ((Verdict.CHOOSE, "Choose"),),
    "form": ((Verdict.FILL, "Send"),),
}
_INPUTS: Final = {"string": "text", "number": "number", "integer": "number"}
_FIELD: Final = "field."


def task_page(question: Question, *, person: str, deadline: str, told: str = "") -> str:
    """Return the page that asks; `told` is what was wrong with what was sent."""
    body = [f"<h1>{escape(question.subject)}</h1>"]
    if told:
        body.append(f'<p class="told">{escape(told)}</p>')
    if question.body:
        body.append(f"<pre>{escape(question.body)}</pre>")
    if question.data is not None and question.ask != "edit":
        body.append(f"<pre>{escape(_json(question.data))}</pre>")
    body += ['<form method="post">', *_asked(question)]
    body.append('<label for="comment">Comment</label>')
    body.append('<textarea id="comment" name="comment" rows="2" maxlength="8000"></textarea>')
    for verdict, words in _BUTTONS[question.ask]:
        body.append(f'<button name="verdict" value="{verdict.value}">{words}</button>')
    body.append("</form>")
    until = f" It works until {escape(deadline)}." if deadline else ""
    body.append(f"<p><small>You decide as {escape(person)}, once.{until}</small></p>")
    return _page(question.subject, "\n".join(body))


def told_page(title: str, told: str) -> str:
    """Return a page that says one thing."""
    return _page(title, f"<h1>{escape(title)}</h1>\n<p>{escape(told)}</p>")


def read_ruling(question: Question, sent: Mapping[str, str]) -> Ruling:
    """Return what was said by the form. Raises InvalidRequest."""
    try:
        verdict = Verdict(sent.get("verdict", ""))
    except ValueError:
        raise InvalidRequest("verdict: choose one of the buttons", param="verdict") from None
    data = None
    if verdict is Verdict.EDIT or (verdict is Verdict.FILL and not _is_flat(question.form)):
        data = _read_json(sent.get("data", ""))
    elif verdict is Verdict.FILL:
        data = _read_fields(question.form or {}, sent)
    comment, port = sent.get("comment", "")[:8_000], sent.get("port", "")
    return Ruling(verdict=verdict, port=port, data=data, comment=comment)


def _asked(question: Question) -> list[str]:
    if question.ask == "choose":
        return [_choice(one.port, one.description) for one in question.options]
    if question.ask == "edit":
        return _data(question.data)
    if question.ask == "form":
        if _is_flat(question.form):
            return _fields(question.form or {}, question.data)
        return [f"<pre>{escape(_json(question.form))}</pre>", *_data(question.data)]
    return []


def _choice(port: str, description: str) -> str:
    named = f"{port}: {description}" if description else port
    value = escape(port)
    return (
        f'<label><input type="radio" name="port" value="{value}" required> {escape(named)}</label>'
    )


def _data(data: Any) -> list[str]:
    shown = "" if data is None else escape(_json(data))
    return [
        '<label for="data">Data (JSON)</label>',
        f'<textarea id="data" name="data" rows="12" spellcheck="false">{shown}</textarea>',
    ]


def _is_flat(form: Mapping[str, Any] | None) -> bool:
    """Whether each property is one line that people can fill in without writing JSON."""
    properties = (form or {}).get("properties")
    if not isinstance(properties, dict) or not properties:
        return False
    return all(
        isinstance(one, dict) and (one.get("type") in {*_INPUTS, "boolean"} or _choices(one))
        for one in properties.values()
    )


def _choices(schema: Mapping[str, Any]) -> list[str]:
    given = schema.get("enum")
    if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
        return given
    return []


def _fields(form: Mapping[str, Any], data: Any) -> list[str]:
    before = data if isinstance(data, dict) else {}
    must = form.get("required", [])
    shown = []
    for name, schema in form["properties"].items():
        at, title = escape(_FIELD + name), escape(str(schema.get("title") or name))
        value, needed = before.get(name), " required" if name in must else ""
        if schema.get("type") == "boolean":
            checked = " checked" if value is True else ""
            shown.append(f'<label><input type="checkbox" name="{at}"{checked}> {title}</label>')
            continue
        shown.append(f'<label for="{at}">{title}</label>')
        if choices := _choices(schema):
            options = [_option(one, is_chosen=one == value) for one in ("", *choices)]
            shown.append(f'<select id="{at}" name="{at}"{needed}>{"".join(options)}</select>')
            continue
        kind = _INPUTS[schema["type"]]
        step = ' step="any"' if schema["type"] == "number" else ""
        filled = "" if value is None else escape(str(value))
        shown.append(f'<input id="{at}" name="{at}" type="{kind}"{step} value="{filled}"{needed}>')
    return shown


def _option(value: str, *, is_chosen: bool) -> str:
    chosen = " selected" if is_chosen else ""
    return f'<option value="{escape(value)}"{chosen}>{escape(value)}</option>'


def _read_fields(form: Mapping[str, Any], sent: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, schema in form["properties"].items():
        given = sent.get(_FIELD + name, "")
        kind = schema.get("type")
        if kind == "boolean":
            data[name] = bool(given)
        elif given == "":
            continue
        elif kind in {"number", "integer"}:
            data[name] = _read_json(given)
        else:
            data[name] = given
    return data


def _read_json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidRequest("data: this is no JSON", param="data") from None


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n'
        f'<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{body}\n</body>\n</html>\n"
    )

"""Case 33: names and ids of uploads lead nowhere."""

from pathlib import Path
from typing import Final
from urllib.parse import quote

from legato.cli.security_check.bench import OK, Bench, bearer
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.verdicts import counted, not_proven

MARKER: Final = "legato-security-check-escaped"
_CONTENT: Final = (
    b'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {}}\n'
)
_NAMES: Final = (
    f"../{MARKER}",
    f"../../../{MARKER}",
    f"..\\..\\{MARKER}",
    f"%2e%2e%2f{MARKER}",
    f"/tmp/{MARKER}",  # noqa: S108 - what an attacker would name
    f"{MARKER}/../../{MARKER}",
)
_IDS: Final = ("../legato.db", "..%2f..%2flegato.yaml", "%2e%2e/secrets/key-0", "/etc/passwd")
_FILES: Final = "/v1/files"
_BOUNDARY: Final = "security-check-boundary"


def uploads(bench: Bench) -> Judged:
    """33: no upload is stored under its name, and no id reads another file."""
    if not any(one.path == _FILES for one in bench.endpoints):
        return not_proven("there is no endpoint for uploads")
    headers = bearer(bench.keys.caller)
    form = {"content-type": f"multipart/form-data; boundary={_BOUNDARY}"} | headers
    wrong, kept = [], 0
    for name in _NAMES:
        answer = bench.send("POST", _FILES, _body(name), form)
        if answer.status == OK:
            kept += 1
            content = bench.send("GET", f"{_FILES}/{answer.json['id']}/content", None, headers)
            if content.body != _CONTENT:
                wrong.append(f"{name}: other content came back")
        elif not answer.status or answer.status >= 500:  # noqa: PLR2004 - a server's error
            wrong.append(f"{name}: {answer.code}")
    wrong += [f"a file was made at {path.name}" for path in _escaped(bench.folder)]
    for one in _IDS:
        for path in (
            f"{_FILES}/{quote(one, safe='%')}",
            f"{_FILES}/{quote(one, safe='%')}/content",
        ):
            if bench.send("GET", path, None, headers).status == OK:
                wrong.append(f"{path} was read")
    verdict, evidence = counted(wrong, len(_NAMES) + 2 * len(_IDS), "names and ids led nowhere")
    return verdict, f"{evidence}; {kept} uploads were kept; Legato unpacks no archives"


def _body(name: str) -> bytes:
    disposition = "content-disposition: form-data"
    purpose = f'--{_BOUNDARY}\r\n{disposition}; name="purpose"\r\n\r\nbatch\r\n'
    file = f'--{_BOUNDARY}\r\n{disposition}; name="file"; filename="{name}"\r\n'
    file += "content-type: application/jsonl\r\n\r\n"
    return (purpose + file).encode() + _CONTENT + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _escaped(folder: Path) -> list[Path]:
    """Return files and folders that bear the name of an upload, wherever one could have gone."""
    outside = [folder.parent / MARKER, folder.parent.parent / MARKER, Path("/") / MARKER]
    outside += [Path("/tmp") / MARKER, Path.cwd() / MARKER]  # noqa: S108 - where one was sent
    return [*folder.rglob(f"*{MARKER}*"), *{one for one in outside if one.exists()}]

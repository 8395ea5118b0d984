"""What happens on the line itself: packets, and callers who leave."""

import json
from contextlib import closing

from legato.cli.conformance.check import Check
from legato.cli.conformance.findings import need, text_at
from legato.cli.conformance.subject import CHAT, Subject, good, whole

_LEAVERS = 8


def split_request(subject: Subject) -> None:
    """A body that arrives in two packets, cut within a letter, is one body."""
    body = json.dumps(subject.chat_body(subject.question("café 🛶")), ensure_ascii=False).encode()
    cut = body.index("🛶".encode()) + 2
    with subject.line(CHAT, {"content-length": str(len(body))}) as (line, connection):
        line.sendall(body[:cut])
        line.sendall(body[cut:])
        response = connection.response_class(line, method="POST")
        response.begin()
        text_at(good(whole(response)), "choices", 0, "message", "content")


def chunked_request(subject: Subject) -> None:
    """A body without a length is read to its end."""
    body = json.dumps(subject.chat_body()).encode()
    with subject.line(CHAT, {"transfer-encoding": "chunked"}) as (line, connection):
        for piece in (body[:20], body[20:], b""):
            line.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        response = connection.response_class(line, method="POST")
        response.begin()
        good(whole(response))


def kept_alive(subject: Subject) -> None:
    """One connection carries a good call, a refused one, a stream and a good one."""
    bodies = (
        subject.chat_body(),
        {"model": 5},
        subject.chat_body(stream=True),
        subject.chat_body(),
    )
    headers, found = subject.headers(), []
    with closing(subject.connection()) as connection:
        for body in bodies:
            connection.request("POST", subject.path(CHAT), json.dumps(body).encode(), headers)
            found.append(whole(connection.getresponse()).status)
    need([status == 200 for status in found] == [True, False, True, True], f"answered {found}")  # noqa: PLR2004 - HTTP


def gone_before(subject: Subject) -> None:
    """Callers who leave before the first byte take nothing along."""
    for _ in range(_LEAVERS):
        _leave(subject, read_first=False)
    good(subject.post(CHAT, subject.chat_body()))


def gone_within(subject: Subject) -> None:
    """Callers who leave within a stream take nothing along."""
    for _ in range(_LEAVERS):
        _leave(subject, read_first=True)
    good(subject.post(CHAT, subject.chat_body()))


def _leave(subject: Subject, *, read_first: bool) -> None:
    body = json.dumps(subject.chat_body(stream=True)).encode()
    with subject.line(CHAT, {"content-length": str(len(body))}) as (line, _):
        line.sendall(body)
        if read_first:
            need(line.recv(1), "the server closed without an answer")


CHECKS = (
    Check("line.split-request", split_request, "a body cut within a letter by packets is whole"),
    Check("line.chunked-request", chunked_request, "a chunked body is read to its end"),
    Check("line.keep-alive", kept_alive, "a connection lives on after an error and a stream"),
    Check("line.gone-before", gone_before, "callers who leave before the first byte harm nothing"),
    Check("line.gone-within", gone_within, "callers who leave within a stream harm nothing"),
)

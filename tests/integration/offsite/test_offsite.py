"""Copies of the audit log to real receivers: a folder, a bucket, syslog, a webhook."""

import base64
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from legato.audit.merkle import leaf_hash
from legato.audit.note import read_checkpoint
from legato.audit.tiles import bundled
from legato.core.clock import SystemClock
from legato.core.egress import Egress
from legato.offsite.connections import Rules
from legato.offsite.destination import Copied, CopyFailed, Forked
from legato.offsite.files import FileObjects
from legato.offsite.mirror import Mirror
from legato.offsite.object_store import Bucket, BucketObjects
from legato.offsite.streams import Syslog, Webhook
from memory_log import MemoryLog

SECRET = "a-secret-of-the-receiver"
RULES = Rules(Egress())
NOTHING = Copied(0, b"")


class Receiver(HTTPServer):
    """Keeps objects as a bucket does, and bodies of POSTs; refuses what isn't signed rightly."""

    objects: dict[str, bytes]
    posts: list[dict[str, object]]
    away = False


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.away or not self._signed_by_aws(body):
            self._answer(403)
            return
        self.server.objects[self.path] = body
        self._answer(200)

    def do_GET(self) -> None:
        found = self.server.objects.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def do_DELETE(self) -> None:
        self.server.objects.pop(self.path, None)
        self._answer(204)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        named = [self.headers["webhook-id"], self.headers["webhook-timestamp"]]
        signed = f"{'.'.join(named)}.".encode() + body
        right = base64.b64encode(hmac.new(SECRET.encode(), signed, sha256).digest()).decode()
        if self.server.away or self.headers["webhook-signature"] != f"v1,{right}":
            self._answer(401)
            return
        self.server.posts.append(json.loads(body))
        self._answer(204)

    def _signed_by_aws(self, body: bytes) -> bool:
        """Whether the vendor's own library signs the request in the same way."""
        request = AWSRequest(self.command, f"http://{self.headers['host']}{self.path}", data=body)
        request.headers["X-Amz-Content-SHA256"] = sha256(body).hexdigest()
        request.context["timestamp"] = self.headers["x-amz-date"]
        auth = S3SigV4Auth(Credentials("the-id", SECRET), "s3", "eu-1")
        request.headers["X-Amz-Date"] = self.headers["x-amz-date"]
        canonical = auth.canonical_request(request)
        text = auth.string_to_sign(request, canonical)
        return self.headers["authorization"].endswith(auth.signature(text, request))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver(("127.0.0.1", 0), Handler)
    server.objects, server.posts = {}, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def bucket(receiver: Receiver, prefix: str = "a/b") -> Mirror:
    endpoint = f"http://127.0.0.1:{receiver.server_port}"
    said = Bucket(endpoint, "logs", prefix, "eu-1", "the-id", lambda: SECRET)
    return Mirror(BucketObjects(said, RULES, SystemClock.now_ns))


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_mirror_has_all_of_the_log_and_says_so(
    receiver: Receiver, tmp_path: Path, kind: str
) -> None:
    mirror = Mirror(FileObjects(tmp_path / "m")) if kind == "folder" else bucket(receiver)
    log = MemoryLog(700)
    before = NOTHING
    for size in (3, 255, 256, 300, 700):
        mirror.copy(log, before, size)
        before = log.held(size)
        held = mirror.held(log.key)
        assert held is not None
        assert (held.size, held.root) == (size, log.root(size))
        assert list(mirror.hashes(size)) == [leaf_hash(one) for one in log.leaves[:size]]
    if kind == "folder":
        files = {str(one.relative_to(tmp_path / "m")) for one in (tmp_path / "m").rglob("*.p/*")}
        assert files == {"tile/0/002.p/188", "tile/entries/002.p/188", "tile/1/000.p/2"}
        whole = (tmp_path / "m" / "tile" / "entries" / "001").read_bytes()
        assert bundled(whole) == log.leaves[256:512]
        kept = (tmp_path / "m" / "checkpoints" / "000000000255").read_text()
        assert read_checkpoint(kept, log.key).root == log.root(255)
    else:
        assert "/logs/a/b/checkpoint" in receiver.objects


def test_a_log_that_was_rewritten_cut_or_set_back_is_told(tmp_path: Path) -> None:
    log, mirror = MemoryLog(40), Mirror(FileObjects(tmp_path))
    mirror.copy(log, NOTHING, 30)
    old = (tmp_path / "checkpoint").read_bytes()
    mirror.copy(log, log.held(30), 40)
    with pytest.raises(Forked, match="isn't what our log has"):
        mirror.copy(MemoryLog(50, "other"), NOTHING, 50)
    with pytest.raises(Forked, match="was cut"):
        mirror.copy(MemoryLog(20), NOTHING, 20)
    (tmp_path / "checkpoint").write_bytes(old)
    with pytest.raises(Forked, match="set back"):
        mirror.copy(log, log.held(40), 40)
    (tmp_path / "checkpoint").write_bytes(old.replace(b"30", b"31"))
    with pytest.raises(Forked, match="isn't one of ours"):
        mirror.copy(log, log.held(30), 40)
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(Forked, match="no checkpoint any more"):
        mirror.copy(log, log.held(30), 40)


def test_what_fails_is_told_and_begins_again(receiver: Receiver, tmp_path: Path) -> None:
    log, mirror = MemoryLog(5), bucket(receiver)
    receiver.away = True
    with pytest.raises(CopyFailed, match="403"):
        mirror.copy(log, NOTHING, 5)
    receiver.away = False
    mirror.copy(log, NOTHING, 5)
    (tmp_path / "file").write_text("")
    with pytest.raises(CopyFailed):
        Mirror(FileObjects(tmp_path / "file")).copy(log, NOTHING, 5)
    refusing = Rules(Egress(private=False))
    said = Bucket("http://127.0.0.1:1", "b", "", "r", "i", lambda: SECRET)
    with pytest.raises(CopyFailed, match="egress"):
        Mirror(BucketObjects(said, refusing, SystemClock.now_ns)).copy(log, NOTHING, 5)
    with pytest.raises(CopyFailed, match="can't be reached"):
        Mirror(BucketObjects(said, RULES, SystemClock.now_ns)).copy(log, NOTHING, 5)


def test_a_webhook_gets_each_event_signed_and_the_checkpoint(receiver: Receiver) -> None:
    log = MemoryLog(600)
    hook = Webhook(
        f"http://127.0.0.1:{receiver.server_port}/in?x=1", lambda: SECRET, RULES, SystemClock.now_ns
    )
    hook.copy(log, NOTHING, 300)
    hook.copy(log, log.held(300), 600)
    hook.copy(log, log.held(600), 600)
    events = [event for one in receiver.posts for event in one["events"]]  # type: ignore[attr-defined]
    assert events == [one.decode() for one in log.leaves]
    notes = [one["checkpoint"] for one in receiver.posts if one["checkpoint"]]
    assert [read_checkpoint(str(one), log.key).size for one in notes] == [300, 600]
    receiver.away = True
    with pytest.raises(CopyFailed, match="401"):
        hook.copy(log, NOTHING, 5)
    with pytest.raises(Forked):
        hook.copy(log, MemoryLog(9, "other").held(9), 20)


def test_syslog_gets_counted_octets_and_datagrams() -> None:
    log = MemoryLog(3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        Syslog(f"tcp://127.0.0.1:{port}", 13, RULES).copy(log, NOTHING, 3)
        line, _ = server.accept()
        with line:
            got = b""
            while part := line.recv(65_536):
                got += part
    messages = []
    while got:
        count, _, got = got.partition(b" ")
        messages.append(got[: int(count)])
        got = got[int(count) :]
    assert len(messages) == 4
    assert messages[0].startswith(b"<109>1 2023-11-14T22:13:20.000000Z ")
    assert [one.partition(b"\xef\xbb\xbf")[2] for one in messages[:3]] == log.leaves
    told = json.loads(messages[3].partition(b"\xef\xbb\xbf")[2])
    assert read_checkpoint(told["checkpoint"], log.key).size == 3
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        taker.settimeout(5)
        Syslog(f"udp://127.0.0.1:{taker.getsockname()[1]}", 4, RULES).copy(log, log.held(2), 3)
        assert taker.recv(65_536).endswith(log.leaves[2])

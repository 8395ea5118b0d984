"""Who takes notifications: a mail server, a web server and an object store, all real."""

from __future__ import annotations

import asyncio
import json
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from aiosmtpd.smtp import SMTP
from botocore.session import Session
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from email.message import EmailMessage


class MailServer:
    """Keeps what it is given."""

    def __init__(self, **options: Any) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer = "250 OK"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        started = self._loop.create_server(
            lambda: SMTP(self, hostname="mail.test", loop=self._loop, **options), "127.0.0.1", 0
        )
        self._server = asyncio.run_coroutine_threadsafe(started, self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.messages.append(message)  # type: ignore[arg-type]
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer

    def close(self) -> None:
        async def close() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class WebServer:
    """Keeps POSTs with their headers; answers `status`, with `location` where that is set."""

    def __init__(self, port: int = 0) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        self.location = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.posts.append((self.path, headers, body))
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("location", outer.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class BucketServer:
    """Speaks S3 and keeps a bucket. Verifies signatures by the key of its one account.

    All servers of a process share what they keep, so each has names of its own.
    """

    region = "eu-central-1"

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self._verify(b"inf")  # nobody has a key yet
        name = f"legato-{token_hex(6)}"
        self.bucket = name
        accounts = self._client("iam", "none", "none")
        accounts.create_user(UserName=name)
        key = accounts.create_access_key(UserName=name)["AccessKey"]
        self.key_id, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        accounts.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
        self._store = self._client("s3", self.key_id, self.secret)
        place = {"LocationConstraint": self.region}
        self._store.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=place)
        self._verify(b"0")

    def objects(self) -> dict[str, bytes]:
        """Return what is in the bucket, by name."""
        found = self._store.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {
            one["Key"]: self._store.get_object(Bucket=self.bucket, Key=one["Key"])["Body"].read()
            for one in found
        }

    def close(self) -> None:
        self._verify(b"inf")
        self._server.stop()

    def _client(self, service: str, key_id: str, secret: str) -> Any:
        return Session().create_client(
            service,
            region_name=self.region,
            endpoint_url=self.url,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        )

    def _verify(self, after: bytes) -> None:
        """Say after how many requests signatures are verified."""
        plain = {"content-type": "text/plain"}
        url = f"{self.url}/moto-api/reset-auth"
        with urlopen(Request(url, data=after, method="POST", headers=plain)) as answer:  # noqa: S310 - ours
            assert answer.status == 200

"""The control API as commands ask it, with a key or as a person, here or on another machine."""

import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from legato.app.checks.instance import running_server
from legato.app.config.data_dir import DataDir
from legato.core.errors import OperatorError

_TIMEOUT_S: Final = 300.0
_GOOD: Final = 300
_BUSY: Final = 503
_BUSY_S: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""How long it is waited each time before a busy server is asked again."""


class ControlClient:
    """Asks one server. Every method raises OperatorError with the server's own words."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise OperatorError(f"--url {url!r} is not an http or https address")
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/") + "/api/v1"
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._cookie = ""

    def get(self, path: str, **query: Any) -> Any:
        """Return what a path shows; a query's None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, body: Any = None) -> Any:
        """Return what a POST answers."""
        return self._ask("POST", path, b"" if body is None else msgspec.json.encode(body))

    def sign_in(self, login: str, password: str) -> None:
        """Go on as a person, in a session that `sign_out` ends."""
        session = self.post("/login", {"email": login, "password": password})
        self._headers = {"cookie": self._cookie, "x-legato-csrf": session["csrf_token"]}

    def sign_out(self) -> None:
        """End the session."""
        self.post("/logout")
        self._headers = {}

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask; what only looks is asked again where the server says that it is busy."""
        for wait_s in _BUSY_S if method == "GET" else ():
            status, answer = self._exchanged(method, path, body)
            if status != _BUSY:
                return _good(status, answer)
            time.sleep(wait_s)
        return _good(*self._exchanged(method, path, body))

    def _exchanged(self, method: str, path: str, body: bytes | None) -> tuple[int, Any]:
        headers = dict(self._headers)
        if body:
            headers["content-type"] = "application/json"
        with closing(self._connection(self._host, self._port, timeout=_TIMEOUT_S)) as connection:
            try:
                connection.request(method, self._base + path, body, headers)
                response = connection.getresponse()
                status, raw = response.status, response.read()
                self._cookie = response.getheader("set-cookie", "").partition(";")[0]
            except (OSError, HTTPException) as error:
                raise OperatorError(f"{self._host} doesn't answer: {error!r}") from None
        try:
            return status, msgspec.json.decode(raw)
        except msgspec.DecodeError:
            raise OperatorError(f"{self._host} answered {status} without JSON") from None


def open_client(url: str | None, key: str, data: Path) -> ControlClient:
    """Return the client of the address that is named, else of the server in a data directory."""
    if url is None:
        server = running_server(DataDir(data))
        if server is None:
            raise OperatorError(f"nothing runs in {data}: start `legato up`, or give --url")
        url = server.url
    return ControlClient(url, key)


def _good(status: int, answer: Any) -> Any:
    if status >= _GOOD:
        raise OperatorError(_told(answer, status))
    return answer


def _told(answer: Any, status: int) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or f"the server answered {status}")

"""A browser in which people sign in to a running server."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from running import Answer, RunningLegato

V1 = "/api/v1"
GOOD = "four horses in a field"


class Browser:
    """Keeps the session's cookie and sends it with everything."""

    def __init__(self, legato: RunningLegato) -> None:
        self.legato = legato
        self.cookie = ""
        self.token = ""

    def sign_in(self, email: str, password: str = GOOD) -> Answer:
        answer = post(self.legato, "/login", {"email": email, "password": password})
        if answer.status == 200:
            jar = SimpleCookie(answer.headers["set-cookie"])
            ((name, morsel),) = jar.items()
            self.cookie = f"{name}={morsel.value}"
            self.token = answer.json["csrf_token"]
        return answer

    def get(self, path: str) -> Answer:
        return self.legato.send("GET", V1 + path, None, {"cookie": self.cookie})

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"cookie": self.cookie, "x-legato-csrf": self.token}
        return post(self.legato, path, body, {**sent, **named(headers)})


def named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def post(
    legato: RunningLegato, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    kind = {"content-type": "application/json"}
    return legato.send("POST", V1 + path, data, {**kind, **(headers or {})})


def lengthen_waits(legato: RunningLegato, seconds: int) -> None:
    """So that nothing here depends on how fast two seconds pass."""
    with contextlib.closing(sqlite3.connect(legato.data / "legato.db", timeout=10)) as database:
        more = (seconds * 10**9,)
        statement = "UPDATE sign_in_delay SET until_ns = until_ns + ? WHERE failures = 5"
        database.execute(statement, more)
        database.commit()

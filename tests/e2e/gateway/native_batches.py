"""What tests of native batches share: a Legato on either database, and how callers see them."""

from __future__ import annotations

import json
import os
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from running import RunningLegato, within
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from legato.storage.database.engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from openai import OpenAI

POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
ENDED = {"completed", "failed", "expired", "cancelled"}
WAIT_S = 60.0
TWO_HOURS_S = 7200.0


class NativeLegato(RunningLegato):
    """One whose database may be a Postgres."""

    def __init__(
        self, folder: Path, config: str, *, url: str, variables: Mapping[str, str]
    ) -> None:
        self.database_url = url or f"sqlite:///{folder / 'data' / 'legato.db'}"
        if url:
            config = config.replace("storage: {", "storage: {url: {env: DATABASE}, ")
        super().__init__(folder, config, variables={**variables, "DATABASE": url})

    def query(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read the database beside the running program."""
        return self._run(statement, values, answers=True)

    def change(self, statement: str, *values: Any) -> None:
        """Write into the database beside the running program."""
        self._run(statement, values, answers=False)

    def kill_batches(self) -> None:
        """Kill the process that runs batches."""
        os.kill(self.children()[-1], 9)

    def let_expire(self, batch_id: str, ago_s: float = 1.0) -> None:
        """Let a batch's 24 hours be over since then."""
        at_ns = time.time_ns() - int(ago_s * 1e9)
        self.change("UPDATE batch SET expires_at_ns = ? WHERE id = ?", at_ns, batch_id)

    def entries_of(self, batch_id: str) -> list[dict[str, Any]]:
        """What the ledger says of a batch's lines, in order."""
        head = batch_id.removeprefix("batch_") + "-%"
        statement = "SELECT * FROM ledger_entry WHERE request_id LIKE ? ORDER BY request_id"
        return self.query(statement, head)

    def leased(self) -> int:
        """What batches hold of budgets."""
        statement = (
            "SELECT coalesce(sum(amount), 0) AS n FROM limit_lease WHERE holder LIKE 'batch_%'"
        )
        return int(self.query(statement)[0]["n"])

    def verified(self) -> bool:
        """Whether the ledger's own rules hold."""
        return "Every rule holds." in self.command("ledger", "verify")

    def _run(
        self, statement: str, values: tuple[Any, ...], *, answers: bool
    ) -> list[dict[str, Any]]:
        named = {f"v{number}": value for number, value in enumerate(values)}
        for name in named:
            statement = statement.replace("?", f":{name}", 1)
        engine = open_engine(self.database_url)
        try:
            with engine.begin() as connection:
                found = connection.execute(text(statement), named)
                return [dict(row) for row in found.mappings()] if answers else []
        finally:
            engine.dispose()


def databases(kind: str) -> Iterator[str]:
    """Make a database, "" for SQLite's file in the data directory; drop it in the end."""
    if kind == "sqlite":
        yield ""
        return
    name = f"legato_{secrets.token_hex(6)}"
    try:
        _as_admin(f"CREATE DATABASE {name}")
    except OperationalError:
        pytest.skip("no Postgres answers (LEGATO_TEST_POSTGRES)")
    yield POSTGRES.rpartition("/")[0] + f"/{name}"
    _as_admin(f"DROP DATABASE {name} WITH (FORCE)")


def _as_admin(statement: str) -> None:
    engine = open_engine(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def chats(words: list[str], model: str = "chat") -> bytes:
    """Return an input of one call a word."""
    return b"\n".join(
        json.dumps(
            {
                "custom_id": f"mine-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": model, "messages": [{"role": "user", "content": word}]},
            }
        ).encode()
        for number, word in enumerate(words)
    )


def begin(client: OpenAI, content: bytes) -> Any:
    """Make a batch of chats."""
    file = client.files.create(file=("calls.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )


def ended(client: OpenAI, batch_id: str, wait_s: float = WAIT_S) -> Any:
    """Return a batch once it has ended."""
    found: Any = within(
        wait_s, lambda: (b := client.batches.retrieve(batch_id)).status in ENDED and b
    )
    assert found, client.batches.retrieve(batch_id)
    return found


def lines_of(client: OpenAI, file_id: str | None) -> dict[str, Any]:
    """Return the lines of an output or error file by their custom_id."""
    assert file_id is not None
    lines = client.files.content(file_id).text.splitlines()
    return {line["custom_id"]: line for line in map(json.loads, lines)}

"""One connection to a store that speaks Redis' protocol, and what is known of who answers there.

Commands are sent once, never again by themselves: whoever sends knows whether a word may have
arrived, and that decides what may be spent.
"""

import contextlib
from collections.abc import Sequence
from hashlib import sha1
from typing import Any, Final, NamedTuple

from legato.core.errors import ConfigInvalid, StorageUnavailable

_NOEVICTION: Final = "noeviction"
_SCHEMES: Final = ("redis://", "rediss://", "unix://")
_SHOWN_CHARACTERS: Final = 120
Answer = list[str]


class StoreAway(StorageUnavailable):
    """The store of leases gave no answer. `may_have_arrived`: it may have done what was said."""

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(f"The store of leases (limits.store) is unavailable: {reason}.")
        self.may_have_arrived = may_have_arrived


class StoreTerms(NamedTuple):
    """How the store is reached. `url` holds its password."""

    url: str
    ca_file: str | None = None
    prefix: str = "legato"
    timeout_s: float = 1.0


class ServerFacts(NamedTuple):
    """What a server says of itself. `run_id` is another one after each start."""

    run_id: str
    version: str
    policy: str
    memory_max: int

    @property
    def may_evict(self) -> bool:
        """Whether it may forget what it was told, for want of memory."""
        return self.memory_max > 0 and self.policy != _NOEVICTION


def check_url(url: str) -> None:
    """Raise ConfigInvalid where this is no address of such a store; it isn't shown."""
    if not url.startswith(_SCHEMES):
        msg = "limits.store.url: write redis://…, rediss://… or unix://…"
        raise ConfigInvalid(msg)


class Link:
    """Not for two threads at once."""

    def __init__(self, terms: StoreTerms) -> None:
        """Nothing is connected to yet.

        Raises:
            ConfigInvalid: the extra `redis` is not installed, or the address can't be read.
        """
        check_url(terms.url)
        try:
            from redis.connection import (  # noqa: PLC0415 - 8 MiB, only where configured
                ConnectionPool,
            )
        except ImportError:
            msg = "limits.store needs an extra that is not installed: pip install 'legato[redis]'"
            raise ConfigInvalid(msg) from None
        options: dict[str, Any] = {
            "socket_timeout": terms.timeout_s,
            "socket_connect_timeout": terms.timeout_s,
            "decode_responses": True,
            "client_name": "legato",
            "protocol": 2,
        }
        if terms.ca_file is not None and terms.url.startswith("rediss://"):
            options["ssl_ca_certs"] = terms.ca_file
        try:
            self._pool = ConnectionPool.from_url(terms.url, **options)
        except ValueError:
            msg = "limits.store.url can't be read: write redis://[USER]:PASSWORD@HOST:PORT/DB"
            raise ConfigInvalid(msg) from None
        self._connection: Any = None  # its types say nothing of its methods
        self.facts: ServerFacts | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection. Where there is none, another server may answer next."""
        return self._connection is not None

    def open(self) -> ServerFacts:
        """Connect anew and ask who answers. Raises StoreAway."""
        from redis.exceptions import RedisError  # noqa: PLC0415 - see above

        self.close()
        connection: Any = self._pool.make_connection()
        try:
            connection.connect()
        except (RedisError, OSError) as error:
            connection.disconnect()
            raise StoreAway(_reason(error), may_have_arrived=False) from error
        self._connection = connection
        server = self._info("server")
        memory = self._info("memory")
        self.facts = ServerFacts(
            server.get("run_id", ""),
            server.get("valkey_version", server.get("redis_version", "unknown")),
            memory.get("maxmemory_policy", _NOEVICTION),
            int(memory.get("maxmemory", "0")),
        )
        self._require(self.facts)
        return self.facts

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.disconnect()
            self._connection = None

    def command(self, *words: str | int) -> Any:
        """Send one command; return its answer. Raises StoreAway."""
        answer = self.commands([words])[0]
        if isinstance(answer, Exception):
            self.close()
            raise StoreAway(_reason(answer), may_have_arrived=True) from answer
        return answer

    def commands(self, lines: Sequence[Sequence[str | int]]) -> list[Any]:
        """Send many at once; answers that are errors stand among them. Raises StoreAway."""
        from redis.exceptions import RedisError, ResponseError  # noqa: PLC0415 - see above

        connection = self._connection
        if connection is None:
            raise StoreAway("no connection", may_have_arrived=False)
        answers: list[Any] = []
        try:
            connection.send_packed_command(connection.pack_commands(lines))
            for _ in lines:
                try:
                    answers.append(connection.read_response())
                except ResponseError as error:
                    answers.append(error)
        except (RedisError, OSError) as error:
            self.close()
            raise StoreAway(_reason(error), may_have_arrived=True) from error
        return answers

    def run(self, script: str, keys: Sequence[str], values: Sequence[str | int]) -> Answer:
        """Run a script; return its answer. Raises StoreAway."""
        return self.run_many(script, [(keys, values)])[0]

    def run_many(
        self, script: str, calls: Sequence[tuple[Sequence[str], Sequence[str | int]]]
    ) -> list[Answer]:
        """Run a script for each of these, in one round trip. Raises StoreAway."""
        from redis.exceptions import NoScriptError  # noqa: PLC0415 - see above

        digest = sha1(script.encode(), usedforsecurity=False).hexdigest()
        lines = [("EVALSHA", digest, len(keys), *keys, *values) for keys, values in calls]
        answers = self.commands(lines)
        again = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if again:  # the store has begun anew, or was told to forget its scripts
            self.commands([("SCRIPT", "LOAD", script)])
            for at, answer in zip(again, self.commands([lines[at] for at in again]), strict=True):
                answers[at] = answer
        for error in _errors(answers):
            self.close()
            raise StoreAway(_reason(error), may_have_arrived=True) from error
        return answers

    def _info(self, section: str) -> dict[str, str]:
        answer = str(self.command("INFO", section))
        pairs = (line.partition(":") for line in answer.splitlines() if ":" in line)
        return {name: value for name, _, value in pairs}

    def _require(self, facts: ServerFacts) -> None:
        told = ""
        if not facts.run_id:
            told = "it doesn't say its run_id (INFO server), so its restarts can't be told"
        if facts.may_evict:
            told = f"its maxmemory-policy is {facts.policy}, it must be {_NOEVICTION}"
        if told:
            self.close()
            raise StoreAway(told, may_have_arrived=False)


def _errors(answers: Sequence[Any]) -> list[Exception]:
    return [answer for answer in answers if isinstance(answer, Exception)]


def _reason(error: Exception) -> str:
    """Say what is wrong without the address, which may hold a password."""
    from redis.exceptions import (  # noqa: PLC0415 - see above
        AuthenticationError,
        NoPermissionError,
        ReadOnlyError,
        ResponseError,
    )
    from redis.exceptions import TimeoutError as RedisTimeout  # noqa: PLC0415

    if isinstance(error, AuthenticationError | NoPermissionError):
        return "it refuses the user, the password or a command"
    if isinstance(error, ReadOnlyError):
        return "it is a replica that can't be written to"
    if isinstance(error, RedisTimeout | TimeoutError):
        return "no answer in time"
    if isinstance(error, ResponseError):
        return f"it answers {str(error)[:_SHOWN_CHARACTERS]!r}"
    return "no connection"

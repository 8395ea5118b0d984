"""A running simulated provider, as the demo meddles with it: it breaks it, and asks its book."""

import http.client
from contextlib import closing
from typing import Any, Final

import msgspec

from legato.app.config.data_dir import DataDir
from legato.core.errors import OperatorError

_HOST: Final = "127.0.0.1"
_TIMEOUT_S: Final = 5.0
_OK: Final = 200
# Half of the calls are refused with 503; of the others the answer breaks off after one event.
_BROKEN: Final = {"error_rate": 0.5, "error_status": 503, "cut_rate": 1.0, "cut_after_events": 1}
_WELL: Final = {"error_rate": 0.0, "cut_rate": 0.0}


class SimulatedProvider:
    """Found by the port file that its server writes."""

    def __init__(self, data: DataDir, provider: str) -> None:
        port_file = data.run / f"{provider}.port"
        self._port = int(msgspec.json.decode(port_file.read_bytes())["port"])

    def fail(self) -> None:
        """From now on refuse calls and cut answers."""
        self._ask("POST", "settings", _BROKEN)

    def recover(self) -> None:
        """From now on answer again."""
        self._ask("POST", "settings", _WELL)

    def calls(self) -> int:
        """Return how many calls its own book counts since it started."""
        return int(self._ask("GET", "counts", None)["arrived"])

    def _ask(self, method: str, what: str, body: dict[str, float] | None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=_TIMEOUT_S)
        with closing(connection):
            sent = None if body is None else msgspec.json.encode(body)
            connection.request(method, f"/_simulated/{what}", sent)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status != _OK:
            raise OperatorError(f"the simulated provider answered {answer.status} to the demo")
        decoded: dict[str, Any] = msgspec.json.decode(text)
        return decoded

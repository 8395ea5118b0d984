"""Log set-up: one JSON object a line for machines, one plain line at a terminal.

An exception of ours is logged with its message, any other with its type and frames only:
a foreign message may quote what a caller sent.
"""

import logging
import traceback
from datetime import UTC, datetime
from typing import IO, Any, Final

import msgspec

from legato.core.errors import LegatoError

_ORDINARY: Final = frozenset(
    {*logging.LogRecord("", 0, "", 0, "", (), None).__dict__, "message", "asctime", "taskName"}
)
_FRAMES_MAX: Final = 30


class JsonFormatter(logging.Formatter):
    """`{"ts":…,"level":…,"logger":…,"message":…}`, then what came in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, without its end."""
        line: dict[str, Any] = {
            "ts": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            **_extra(record),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"], line["frames"] = _described(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


class TextFormatter(logging.Formatter):
    """`12:00:00 WARNING message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, or several where an exception has frames."""
        extra = "".join(f" {name}={value}" for name, value in _extra(record).items())
        line = f"{_time(record)[11:19]} {record.levelname:<7} {record.getMessage()}{extra}"
        if record.exc_info and record.exc_info[1]:
            error, frames = _described(record.exc_info[1])
            line = "\n".join([f"{line}: {error}", *(f"    {frame}" for frame in frames)])
        return line


def set_up_logging(level: str, stream: IO[str], *, as_text: bool | None = None) -> None:
    """Send every log line of this process, and of those it forks, to one stream.

    `level` is a name of `telemetry.log_level`; `as_text` None: text at a terminal, else JSON.
    """
    handler = logging.StreamHandler(stream)
    text = stream.isatty() if as_text is None else as_text
    handler.setFormatter(TextFormatter() if text else JsonFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # These say at INFO what our own lines say with the facts.
    for name in ("alembic", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _ORDINARY}


def _described(error: BaseException) -> tuple[str, list[str]]:
    name = type(error).__name__
    if isinstance(error, LegatoError):
        name = f"{name}: {error.message}"
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    return name, [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]

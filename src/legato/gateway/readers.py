"""A stream's reader around another one: what it doesn't change is said by the one inside."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legato.core.errors import UpstreamError
    from legato.core.usage import Usage
    from legato.core.wire import StreamReader


class ReaderAround:
    """A `StreamReader` but for `feed` and `close`; to be derived from."""

    def __init__(self, reader: "StreamReader") -> None:
        self._reader = reader

    @property
    def started(self) -> bool:
        """Something of the answer has come."""
        return self._reader.started

    @property
    def finished(self) -> bool:
        """The provider's own end has come."""
        return self._reader.finished

    @property
    def usage(self) -> "Usage | None":
        """What was used, as the provider says."""
        return self._reader.usage

    @property
    def model(self) -> str:
        """The model that really served."""
        return self._reader.model

    @property
    def output_chars(self) -> int:
        """Characters of the answer so far."""
        return self._reader.output_chars

    @property
    def error(self) -> "UpstreamError | None":
        """The provider's in-band error."""
        return self._reader.error

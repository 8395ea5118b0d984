"""Brings sample data in and takes it away, each recorded in the instance's own audit log."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from legato.app.sample.place import Made, SamplePlace
from legato.audit.event import Act, Subject


class SampleDesk:
    """The sample of one data directory; methods block, and may raise StorageUnavailable."""

    def __init__(self, root: Path, record: Callable[[Act], None]) -> None:
        """`record` writes an act down; what it refuses isn't done."""
        self._place = SamplePlace(root)
        self._record = record

    def made(self) -> Made | None:
        """Return what there is, None for nothing."""
        return self._place.made()

    def add(self) -> Made:
        """Make it. Raises Conflict where it is there."""
        return self._place.add(partial(self._told, "add"))

    def remove(self) -> Made:
        """Delete all of it; return what there was. Raises NotFound, Conflict."""
        return self._place.remove(partial(self._told, "remove"))

    def _told(self, action: str) -> None:
        self._record(Act("", f"sample_data.{action}", Subject("sample_data", "")))

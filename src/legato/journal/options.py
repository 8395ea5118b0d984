"""How a writer keeps its journal."""

from dataclasses import dataclass
from typing import Literal

from legato.journal.frame import FRAME_OVERHEAD_BYTES, HEADER_BYTES

Durability = Literal["process", "power"]


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """Sizes in bytes. `journal_bytes_max` bounds the segments of all writers; None is the disk.

    "process" survives kill -9 of the process, "power" also a power cut (see `commit`).
    Several writers that allocate at one moment may pass the budget by a segment each.
    """

    segment_bytes: int = 16 << 20
    durability: Durability = "process"
    settle_bytes_max: int = 2 << 10
    journal_bytes_max: int | None = None
    refusal_s: float = 0.1

    def __post_init__(self) -> None:
        """Raise ValueError where a segment can't hold one settle."""
        if self.settles_per_segment < 1:
            message = "segment_bytes must hold at least one frame of settle_bytes_max"
            raise ValueError(message)

    @property
    def settle_frame_bytes(self) -> int:
        """The room one open intent reserves."""
        return self.settle_bytes_max + FRAME_OVERHEAD_BYTES

    @property
    def capacity_bytes(self) -> int:
        """What frames may take of a segment."""
        return self.segment_bytes - 2 * HEADER_BYTES

    @property
    def settles_per_segment(self) -> int:
        """How many settles of the largest size an empty segment is sure to hold."""
        return self.capacity_bytes // self.settle_frame_bytes

    @property
    def is_power_safe(self) -> bool:
        """Whether files and names are fsynced."""
        return self.durability == "power"

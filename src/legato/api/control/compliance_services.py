"""What the control API works with for compliance."""

from collections.abc import Sequence
from typing import Literal, Protocol

from legato.core.compliance import ControlStatus, Finding, Framework, Result


class Look(Protocol):
    """One look of one check."""

    @property
    def check(self) -> str:
        """Its id."""
        ...

    @property
    def node(self) -> str:
        """The machine, "" for what all share."""
        ...

    @property
    def finding(self) -> Finding:
        """What it came to."""
        ...

    @property
    def changed(self) -> bool:
        """Whether its status is another than before."""
        ...


class Document(Protocol):
    """A report as a file."""

    @property
    def document(self) -> bytes:
        """Its bytes."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256, in hex."""
        ...

    @property
    def event(self) -> int:
        """The event of the audit log that names the digest."""
        ...


class ComplianceDesk(Protocol):
    """The instance's; blocking."""

    def standing(self, framework: Framework | None = None) -> list[ControlStatus]:
        """Return how controls stand."""
        ...

    def look(self, checks: Sequence[str] = (), *, heavy: bool = False) -> Sequence[Look]:
        """Look now. Raises NotFound for a check that there isn't."""
        ...

    def history(self, check: str, from_ns: int, to_ns: int | None) -> list[Result]:
        """Return what a check, or every one, came to in a period."""
        ...

    def report(
        self,
        framework: Framework,
        form: Literal["json", "pdf"],
        period: tuple[int | None, int | None],
    ) -> Document:
        """Make a report and record its digest. Raises InvalidRequest, OperatorError."""
        ...

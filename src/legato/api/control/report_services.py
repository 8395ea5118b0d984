"""What the control API works with for reports and exports of the ledger."""

from typing import Protocol

from legato.api.control.compliance_services import Document
from legato.reporting.wanted import Wanted


class ReportDesk(Protocol):
    """The instance's; blocking."""

    def make(self, wanted: Wanted) -> Document:
        """Make a report and put its digest into the audit log.

        Raises InvalidRequest, NotFound, and OperatorError where an extra isn't installed.
        """
        ...

"""A scorer of numbers: the one in the answer is near enough to the expected one."""

import math
import re
from typing import Final, Literal

from legato.core.errors import InvalidRequest
from legato.evaluation.scoring import (
    Answer,
    Caller,
    Case,
    Score,
    ScorerSettings,
    Unscored,
    expected_text,
    yes_or_no,
)

_NUMBER: Final = re.compile(
    r"[-+\u2212]?(?:\d{1,3}(?:,\d{3}){1,20}(?!\d)|\d{1,30})(?:\.\d{1,30})?(?:[eE][-+]?\d{1,3})?"
)


class Numeric(ScorerSettings, frozen=True, tag="numeric"):
    """Whether a number of the answer is within the tolerance of the expected one.

    `tolerance` is absolute, `relative` a share of the expected number; the larger one counts.
    Commas between groups of three digits are left out: 1,234.5 is 1234.5.
    """

    tolerance: float = 0.0
    relative: float = 0.0
    take: Literal["first", "last", "only"] = "last"
    """Which of the answer's numbers; `only` asks for an answer that is a number and no more."""

    def require_settings(self) -> None:
        """Refuse tolerances below zero."""
        super().require_settings()
        for name in ("tolerance", "relative"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InvalidRequest(f"{name}: must be a number of at least 0", param=name)

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Find the number and compare."""
        wanted = _number(expected_text(case).strip())
        if wanted is None:
            raise Unscored("the case's expected value is no number")
        got = self._taken(answer.text.strip())
        if got is None:
            return Score(value=0.0, reason="holds no number")
        allowed = max(self.tolerance, self.relative * abs(wanted))
        # what can't be told apart in binary doesn't fall outside
        near = math.isclose(got, wanted, rel_tol=1e-12, abs_tol=allowed * (1 + 1e-12))
        return yes_or_no(good=near, otherwise=f"expected {wanted:g}, got {got:g}")

    def _taken(self, text: str) -> float | None:
        if self.take == "only":
            return _number(text)
        found = _NUMBER.findall(text)
        return _number(found[0 if self.take == "first" else -1]) if found else None


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", "").replace("\u2212", "-"))
    return value if math.isfinite(value) else None

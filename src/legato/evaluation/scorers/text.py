"""Scorers of text: the same, in it, of a pattern."""

from typing import Literal

import jsonschema_rs

from legato.core.errors import InvalidRequest
from legato.evaluation.scoring import (
    Answer,
    Caller,
    Case,
    Score,
    ScorerSettings,
    expected_text,
    shown_text,
    yes_or_no,
)


class Exact(ScorerSettings, frozen=True, tag="exact"):
    """Whether the answer is the expected text, white space around both aside."""

    ignore_case: bool = False

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Compare the two texts."""
        wanted, got = expected_text(case).strip(), answer.text.strip()
        same = _folded(wanted, self.ignore_case) == _folded(got, self.ignore_case)
        return yes_or_no(
            good=same, otherwise=f"expected {shown_text(wanted)}, got {shown_text(got)}"
        )


class Contains(ScorerSettings, frozen=True, tag="contains"):
    """Whether the answer holds texts: those of the settings, or the case's expected one or ones."""

    texts: tuple[str, ...] = ()
    need: Literal["all", "any"] = "all"
    ignore_case: bool = True

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Look for each text; with `all`, the score is the share that is found."""
        wanted = self.texts or _expected_texts(case)
        got = _folded(answer.text, self.ignore_case)
        missing = [one for one in wanted if _folded(one, self.ignore_case) not in got]
        if self.need == "any":
            told = f"holds none of {', '.join(map(shown_text, wanted))}"
            return yes_or_no(good=len(missing) < len(wanted), otherwise=told)
        reason = f"doesn't hold {', '.join(map(shown_text, missing))}" if missing else ""
        return Score(value=1 - len(missing) / len(wanted), reason=reason)


class Pattern(ScorerSettings, frozen=True, tag="regex"):
    """Whether a regular expression is found in the answer.

    The engine is Rust's `regex`, as JSON Schema's `pattern`: its time grows with the text alone,
    so no expression can hang a run. It has neither look-around nor back-references.
    """

    pattern: str
    negate: bool = False

    def require_settings(self) -> None:
        """Refuse what is no expression."""
        super().require_settings()
        try:
            self._validator()
        except jsonschema_rs.ValidationError:
            msg = (
                f"pattern: {shown_text(self.pattern)} is no regular expression without "
                "look-around and back-references"
            )
            raise InvalidRequest(msg, param="pattern") from None

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Search."""
        found = self._validator().is_valid(answer.text)
        told = f"{'matches' if self.negate else 'no match of'} {shown_text(self.pattern)}"
        return yes_or_no(good=found is not self.negate, otherwise=told)

    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        schema = {"pattern": self.pattern}
        return jsonschema_rs.Draft202012Validator(
            schema, pattern_options=jsonschema_rs.RegexOptions()
        )


def _folded(text: str, fold: bool) -> str:  # noqa: FBT001 - the setting as it is
    return text.casefold() if fold else text


def _expected_texts(case: Case) -> tuple[str, ...]:
    found = case.expected
    if isinstance(found, list) and found and all(isinstance(one, str) for one in found):
        return tuple(found)
    return (expected_text(case),)

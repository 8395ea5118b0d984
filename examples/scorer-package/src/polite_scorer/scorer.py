"""The scorer `polite`: which share of some words of courtesy an answer has."""

from typing import ClassVar

from legato.core.errors import InvalidRequest
from legato.evaluation.scorers.installed import InstalledScorer
from legato.evaluation.scoring import Answer, Caller, Case, Score


class Polite(InstalledScorer, frozen=True, kw_only=True, tag="polite"):
    """Its settings are its fields; it keeps nothing between cases."""

    interface: ClassVar[int] = 1
    words: tuple[str, ...] = ("please", "thank you")

    def require_settings(self) -> None:
        """Refuse a scorer without words."""
        super().require_settings()
        if not self.words:
            raise InvalidRequest("words: name at least one", param="words")

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:
        """Return the share of the words that are there, and which are missing."""
        del case, caller  # of use to scorers that compare, or ask a model
        said = answer.text.lower()
        missing = [word for word in self.words if word not in said]
        reason = f"doesn't say {', '.join(missing)}" if missing else ""
        return Score(value=1 - len(missing) / len(self.words), reason=reason)

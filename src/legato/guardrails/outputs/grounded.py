"""One policy's check whether an answer stands on the sources of one request."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from legato.core.guard_output import GroundingCheck
from legato.guardrails.outputs.grounding import Context, Sentence

CHECK = "grounding"
CONTRADICTED = "grounding.contradicted"
"""What a judge says of statements that the sources speak against."""


class Complaint(NamedTuple):
    """What is wrong with an answer, told to the model and to the caller: none of its text."""

    check: str
    action: str
    said: str
    span: tuple[int, int] | None = None

    def at(self, original: Callable[[int, int], tuple[int, int]]) -> "Complaint":
        """Return it with its place in the text as it came, where it is of a decoded one."""
        return self if self.span is None else self._replace(span=original(*self.span))


class Grounded(NamedTuple):
    """The check, and what it holds answers against."""

    check: GroundingCheck
    context: Context
    enforced: bool = True

    @property
    def refuses(self) -> bool:
        """Whether an answer may be withheld by it."""
        return self.enforced and self.check.action != "flag"

    def lacking(self, held: Sequence[Sentence]) -> list[Sentence]:
        """Return the sentences with too little support."""
        return [one for one in held if one.support < self.check.support_min]

    def complaints(
        self,
        lacking: Sequence[Sentence],
        count: int,
        contradicted: frozenset[Sentence] = frozenset(),
    ) -> list[Complaint]:
        """Return what is wrong with an answer of so many statements, one for each that lacks."""
        if not lacking or len(lacking) <= self.check.unsupported_share_max * count:
            return []
        said = (
            f"{len(lacking)} of its {count} statements do not stand in the sources given. "
            "State only what the sources say."
        )
        told = [said, *([""] * (len(lacking) - 1))]
        return [
            Complaint(
                CONTRADICTED if one in contradicted else CHECK,
                self.check.action,
                words,
                (one.start, one.end),
            )
            for one, words in zip(lacking, told, strict=True)
        ]

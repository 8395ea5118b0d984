"""How much of an answer stands in the context it was given, by its words alone."""

import re
from typing import Final

from legato.core.errors import InvalidRequest
from legato.evaluation.scoring import (
    REASON_MAX,
    Answer,
    Caller,
    Case,
    Score,
    ScorerSettings,
    Unscored,
    shown_text,
)

_SENTENCE_END: Final = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")
_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
_COMMON: Final = frozenset(_WORD.findall(
    "a an the and or but of to in on at by for with from as is are was were be been it its this "
    "that these those there he she they we you i his her their our your not no yes do does did has "
    "have had will would can could may might should which who whom what when where how than then so"
))  # fmt: skip


class Grounding(ScorerSettings, frozen=True, tag="grounding"):
    """The share of the answer's sentences whose words stand in the case's context.

    A sentence is supported where at least `overlap` of its words, common ones aside, stand in the
    context, and every number in it does. It sees words, not meaning: a negation passes, a
    paraphrase may not. A judge model sees more and costs a call.
    """

    overlap: float = 0.6

    def require_settings(self) -> None:
        """Refuse what is no share."""
        super().require_settings()
        if not 0 < self.overlap <= 1:
            raise InvalidRequest("overlap: must be above 0, at most 1", param="overlap")

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Look each sentence's words up."""
        if not case.context.strip():
            raise Unscored("the case has no context")
        known = set(_words(case.context))
        sentences = [(one, _telling(one)) for one in _SENTENCE_END.split(answer.text)]
        claims = [(text, words) for text, words in sentences if words]
        if not claims:
            return Score(value=0.0, reason="says nothing that could be looked up")
        loose = [text for text, words in claims if not self._supported(words, known)]
        told = f"not in the context: {', '.join(map(shown_text, loose))}" if loose else ""
        return Score(value=1 - len(loose) / len(claims), reason=told[:REASON_MAX])

    def _supported(self, words: list[str], known: set[str]) -> bool:
        if any(word not in known for word in words if word[0].isdigit()):
            return False
        return sum(word in known for word in words) >= self.overlap * len(words)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _telling(sentence: str) -> list[str]:
    return [word for word in _words(sentence) if word not in _COMMON]

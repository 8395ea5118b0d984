"""Whether a catalogue entry is the model that is asked for, or only a similar name."""

import re
from collections.abc import Iterator

from genai_prices.types import (
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
)

# A release of the same model: -20251001, -2025-10-01, @20251001, -latest, -0613, -v2:0.
_RELEASE = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d|\d{4}|latest|v\d+(?::\d+)?)$")


def names_model(reference: str, model: ModelInfo) -> bool:
    """Tell whether `reference` is a name of the model, give or take its release.

    The catalogue matches by prefixes and substrings too, so that `gpt-x-turbo-ultra` may match
    a clause written for `gpt-x`. Here the reference must be a name that stands in the entry:
    its id, a literal of a clause, or a pattern that covers it from end to end.
    """
    reference = reference.lower()
    wanted = {reference, _without_release(reference)}
    for clause in _clauses(model.match):
        if isinstance(clause, ClauseRegex):
            whole = clause.regex.startswith("^") and clause.regex.endswith("$")
            if whole and clause.is_match(reference):
                return True
        elif _literal(clause) in wanted:
            return True
    return bool({model.id.lower(), _without_release(model.id.lower())} & wanted)


def _without_release(name: str) -> str:
    while (shorter := _RELEASE.sub("", name)) != name:
        name = shorter
    return name


def _clauses(match: MatchLogic) -> Iterator[MatchLogic]:
    """Yield the alternatives; parts of a conjunction are no names by themselves."""
    if isinstance(match, ClauseOr):
        for alternative in match.or_:
            yield from _clauses(alternative)
    else:
        yield match


def _literal(clause: MatchLogic) -> str | None:
    match clause:
        case ClauseEquals(equals=text):
            pass
        case ClauseStartsWith(starts_with=text):
            pass
        case ClauseEndsWith(ends_with=text):
            pass
        case ClauseContains(contains=text):
            pass
        case _:
            return None
    return text.lower().rstrip("-@")

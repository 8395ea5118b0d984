"""What the invented company's applications ask, by the arrivals and sizes of a public trace.

The trace has no texts, so those are made up to its sizes. Three features ask: 70 of 100 questions
are look-ups, 20 are drafts, 10 are reviews. Of each feature's questions 30 in 100 were asked
before, word for word: which one comes again is drawn, later ones as likely as early ones.
"""

import csv
import random
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

TRACE = Path(__file__).parent.parent / "twin" / "azure-conversation-2023.csv"
SHARES = {"helpdesk": 0.7, "letters": 0.2, "claims": 0.1}
REPEATED = 0.3
SEED = 20261122
_BYTES_PER_TOKEN = 4  # as the simulated provider counts
_MESSAGE_TOKENS = 3
_TIMESTAMP_CHARACTERS = 26
_WORDS = (
    "policy",
    "claim",
    "notice",
    "letter",
    "form",
    "date",
    "clause",
    "cover",
    "limit",
    "excess",
)


class Question(NamedTuple):
    """One call. `at_s` counts from the first arrival; sizes are in tokens."""

    at_s: float
    feature: str
    text: str
    output_tokens: int
    is_repeat: bool


def questions() -> list[Question]:
    """Return all calls in the order they come; the same ones each time."""
    dice = random.Random(SEED)
    asked: dict[str, list[Question]] = {feature: [] for feature in SHARES}
    found = []
    for number, (at_s, input_tokens, output_tokens) in enumerate(_arrivals()):
        feature = dice.choices(list(SHARES), list(SHARES.values()))[0]
        before = asked[feature]
        if before and dice.random() < REPEATED:
            question = dice.choice(before)._replace(at_s=at_s, is_repeat=True)
        else:
            text = _text(number, feature, input_tokens)
            question = Question(at_s, feature, text, output_tokens, is_repeat=False)
            before.append(question)
        found.append(question)
    return found


def _arrivals() -> list[tuple[float, int, int]]:
    with TRACE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    times = [datetime.fromisoformat(row["TIMESTAMP"][:_TIMESTAMP_CHARACTERS]) for row in rows]
    return [
        ((time - times[0]).total_seconds(), int(row["ContextTokens"]), int(row["GeneratedTokens"]))
        for time, row in zip(times, rows, strict=True)
    ]


def _text(number: int, feature: str, input_tokens: int) -> str:
    """Return words of as many tokens, no two questions the same."""
    dice = random.Random(f"{SEED} {number}")
    wanted = max(0, input_tokens - _MESSAGE_TOKENS) * _BYTES_PER_TOKEN
    text = f"{feature} {number}:"
    while len(text) < wanted:
        text += " " + dice.choice(_WORDS)
    return text[: max(wanted, len(f"{feature} {number}:"))]

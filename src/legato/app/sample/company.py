"""What the invented company calls models for: figures made up, so that every page has something."""

from typing import Final, NamedTuple

ORG: Final = "sample"
DAYS: Final = 60
"""So far back its first request lies."""
CALLS_PER_DAY: Final = 110
"""At the beginning; it grows by half until today."""


class Application(NamedTuple):
    """One feature that calls; shares are of 1, tokens a mean."""

    key: str
    team: str
    feature: str
    route: str
    share: float
    input_tokens: int
    output_tokens: int
    repeated: float
    """How often its question was asked before, where its route has a cache."""
    models: tuple[tuple[str, float], ...]
    """Which deployment answers how often."""
    workflow: str = ""


_MIX: Final = (("small", 0.7), ("middle", 0.2), ("large", 0.1))
_CAREFUL: Final = (("large", 0.93), ("middle", 0.07))
APPLICATIONS: Final = (
    Application("sample-helpdesk", "support", "helpdesk", "chat", 0.42, 4_200, 420, 0.34, _MIX),
    Application("sample-letters", "support", "letters", "chat", 0.18, 5_600, 640, 0.2, _MIX),
    Application("sample-offers", "sales", "offers", "careful", 0.1, 9_000, 1_100, 0, _CAREFUL),
    Application("sample-review", "engineering", "code-review", "careful", 0.12, 24_000, 1_300, 0,
                _CAREFUL),
    Application("sample-claims", "claims", "triage", "chat", 0.18, 7_500, 300, 0, _MIX,
                "claims-triage"),
)  # fmt: skip
USERS: Final = 24
"""People who ask, by pseudonyms."""
FAILS: Final = 0.015
"""Share of first attempts that a provider doesn't answer; another deployment does."""
OUTAGE: Final = (21, 0.35)
"""How many days ago a provider was ill, and which share of attempts failed that day."""
SPIKE: Final = (9, 3.2)
"""How many days ago one feature asked so many times more than it does."""
SPIKING: Final = "code-review"
BLOCKED, REDACTED = 0.008, 0.05
"""Shares of requests that the policy refuses, and that it takes an address out of."""

ASSUMED: Final = (("initial.usd", "9000", "7000", "12000"),)
"""What its plan assumes: name, value, least and most."""

PROMPT: Final = {
    "messages": [
        {"role": "system", "content": "You answer customers of an invented company, briefly."},
        {"role": "user", "content": "{{question}}"},
    ],
    "variables": {"question": {"type": "string"}},
    "route": "chat",
}
PROMPT_BEFORE: Final = {
    **PROMPT,
    "messages": [{"role": "user", "content": "Answer this customer: {{question}}"}],
}
WORKFLOW: Final = {
    "title": "Claims triage",
    "description": "Reads a claim, pays what is small and clear, and asks a person for the rest.",
    "nodes": [
        {"id": "read", "kind": "prompt", "model": "chat", "user": "Read this claim: ${input}"},
        {"id": "ask", "kind": "human", "ask": "approve", "subject": "Pay this claim?",
         "body": "${steps.read.output}", "after": ["read"]},
        {"id": "answer", "kind": "prompt", "model": "chat", "user": "Answer: ${input}",
         "after": ["ask:approved"]},
    ],
}  # fmt: skip

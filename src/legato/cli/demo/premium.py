"""The premium tier: a real provider when there is a key and a person says yes, else a simulation.

A demo must never spend somebody's money unasked: without a terminal, or under CI, nobody can
have said yes.
"""

import sys
from collections.abc import Mapping

import msgspec
from rich.console import Console
from rich.prompt import Confirm

SIMULATED_DEPLOYMENT = "premium-simulated"


class Premium(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment of the premium tier; `key_variable` is None for the simulated one."""

    deployment: str
    provider: str
    kind: str
    model: str
    title: str
    preset: str | None = None
    key_variable: str | None = None

    @property
    def simulated(self) -> bool:
        """Whether its answers are made up."""
        return self.key_variable is None


SIMULATED = Premium(
    deployment=SIMULATED_DEPLOYMENT,
    provider="simulated-premium",
    kind="simulated",
    model="simulated-premium",
    title="SIMULATED premium model (its answers are made up)",
)
REAL = (
    Premium(
        deployment="premium-openai",
        provider="openai",
        kind="openai_compatible",
        model="gpt-4.1",
        title="OpenAI gpt-4.1",
        preset="openai",
        key_variable="OPENAI_API_KEY",
    ),
    Premium(
        deployment="premium-anthropic",
        provider="anthropic",
        kind="anthropic",
        model="claude-sonnet-4-5",
        title="Anthropic claude-sonnet-4-5",
        key_variable="ANTHROPIC_API_KEY",
    ),
    Premium(
        deployment="premium-mistral",
        provider="mistral",
        kind="openai_compatible",
        model="mistral-large-latest",
        title="Mistral mistral-large-latest",
        preset="mistral",
        key_variable="MISTRAL_API_KEY",
    ),
)


def choose_premium(console: Console, environment: Mapping[str, str], calls: int) -> Premium:
    """Ask for each provider whose key is there; the first yes decides."""
    if environment.get("CI") or not (console.is_terminal and sys.stdin.isatty()):
        return SIMULATED
    for provider in REAL:
        if not environment.get(provider.key_variable or ""):
            continue
        question = (
            f"{provider.key_variable} is set. Send about {calls} short calls to "
            f"{provider.title} with it, for a few cents?"
        )
        if Confirm.ask(question, console=console, default=False):
            return provider
    return SIMULATED

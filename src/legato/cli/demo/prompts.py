"""The packaged prompts."""

from importlib.resources import files
from typing import Literal

import msgspec
import yaml

Sdk = Literal["openai", "anthropic"]
Tier = Literal["everyday", "expert", "premium"]


class Prompt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question as a team's program asks it; `again` asks it a second time, word for word."""

    team: str
    feature: str
    sdk: Sdk
    model: Tier
    max_tokens: int
    prompt: str
    system: str | None = None
    stream: bool = False
    again: bool = False


class Prompts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, by when they are asked."""

    first: tuple[Prompt]
    teams: tuple[Prompt, ...]
    outage: tuple[Prompt, ...]

    @property
    def again(self) -> tuple[Prompt, ...]:
        """Those of the teams' that are asked twice."""
        return tuple(prompt for prompt in self.teams if prompt.again)

    @property
    def purposes(self) -> list[tuple[str, str]]:
        """Every (team, feature) that asks, in order: each gets a key of its own."""
        everyone = (*self.first, *self.teams, *self.outage)
        return sorted({(prompt.team, prompt.feature) for prompt in everyone})


def packaged_prompts() -> Prompts:
    """Read the file that comes with the package."""
    text = files(__package__).joinpath("prompts.yaml").read_text()
    return msgspec.convert(yaml.safe_load(text), Prompts)

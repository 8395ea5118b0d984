"""Configuration problems: gathered, never raised one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from legato.core.errors import ConfigInvalid

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing to mend: what is wrong, at which place, and how to mend it."""

    path: Path
    place: str
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{render(self.path)}: " if self.path else ""
        return f"{self.place}: {where}{self.message}. {self.remedy}"


class ConfigProblems(ConfigInvalid):
    """All problems of a configuration at once."""

    def __init__(self, problems: Sequence[Problem], *, of: str = "configuration") -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"the {of} has {count}:", *(f"  {problem}" for problem in problems)]
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)


def render(path: Path) -> str:
    """Write a path the way people do: `deployments[1].price.input_per_mtok`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def suggestion(wrong: str, known: Sequence[str]) -> str:
    """Return a remedy that names the nearest known word, or all of them."""
    near = get_close_matches(wrong, known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"Known: {', '.join(sorted(known))}." if known else "None is known here."

"""What a repository says isn't its own source: `.gitignore`, and folders of others' code."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

FOREIGN: Final = frozenset(
    {
        ".git", ".hg", ".svn", "node_modules", "bower_components", "vendor", "third_party",
        "third-party", "site-packages", "dist-packages", ".venv", "venv", "env", ".tox", ".nox",
        "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".next", ".nuxt",
        ".svelte-kit", "dist", "build", "out", "target", "coverage", ".cache", ".eggs",
        "__pypackages__",
    }
)  # fmt: skip
"""Folders that hold what others wrote or what tools made."""
_PATTERNS_MAX: Final = 2_000
_PATTERN_MAX: Final = 300


class Pattern(NamedTuple):
    """One line of a `.gitignore`, as gitignore(5) means it."""

    matches: re.Pattern[str]
    negated: bool
    folders_only: bool


def read_patterns(text: str) -> tuple[Pattern, ...]:
    """Return the patterns of a file; lines that no pattern can be are passed over."""
    found = []
    for raw in text.splitlines()[:_PATTERNS_MAX]:
        line = raw.rstrip("\r\n").rstrip()
        if not line or line.startswith("#") or len(line) > _PATTERN_MAX:
            continue
        negated = line.startswith("!")
        line = line.removeprefix("!").removeprefix("\\")
        folders_only = line.endswith("/")
        line = line.rstrip("/")
        if line:
            found.append(Pattern(_compiled(line), negated, folders_only))
    return tuple(found)


def ignored(
    path: str, *, folder: bool, levels: tuple[tuple[str, tuple[Pattern, ...]], ...]
) -> bool:
    """Tell whether a path below the root is ignored; the last pattern that matches decides.

    `levels` are folders, "" for the root, with their patterns, from the root downward.
    """
    verdict = False
    for below, patterns in levels:
        inner = path[len(below) + 1 :] if below else path
        for pattern in patterns:
            if (folder or not pattern.folders_only) and pattern.matches.fullmatch(inner):
                verdict = not pattern.negated
    return verdict


@lru_cache(maxsize=4096)
def _compiled(line: str) -> re.Pattern[str]:
    """Turn a pattern into an expression of a whole path; one with a slash is anchored."""
    anchored = "/" in line
    line = line.removeprefix("/")
    made = "" if anchored or line.startswith("**/") else "(?:.*/)?"
    at = 0
    while at < len(line):
        if line.startswith("**/", at):
            made, at = made + "(?:.*/)?", at + 3
        elif line.startswith("**", at):
            made, at = made + ".*", at + 2
        elif line[at] == "*":
            made, at = made + "[^/]*", at + 1
        elif line[at] == "?":
            made, at = made + "[^/]", at + 1
        elif line[at] == "[" and (end := line.find("]", at + 2)) > 0:
            inner = re.escape(line[at + 1 : end]).replace(r"\-", "-")
            inner = f"^{inner[1:]}" if inner.startswith("!") else inner.removeprefix("\\")
            made, at = f"{made}[{inner}]", end + 1
        else:
            made, at = made + re.escape(line[at]), at + 1
    try:
        return re.compile(made)
    except re.error:
        return re.compile(re.escape(line))

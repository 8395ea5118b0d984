"""An object's content as people read and compare it."""

from difflib import unified_diff
from typing import Any

import yaml


def as_yaml(plain: Any) -> str:
    """Write plain data for people: in the order of its names, long texts as blocks."""
    return yaml.dump(plain, Dumper=_Blocks, allow_unicode=True, sort_keys=False, width=100)


def differences(before: str, after: str, names: tuple[str, str]) -> list[str]:
    """Return a unified diff of two texts, line by line; `names` are those of the texts."""
    old, new = before.splitlines(), after.splitlines()
    return list(unified_diff(old, new, names[0], names[1], lineterm=""))


class _Blocks(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Blocks.add_representer(str, _text)

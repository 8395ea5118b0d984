"""Settings of the documentation's build: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parent / "src" / "legato" / "__init__.py"

project = "Legato"
copyright = "the Legato authors"  # noqa: A001 - Sphinx's name for it
release = _PACKAGE.read_text().partition('__version__ = "')[2].partition('"')[0]
extensions = ["myst_parser"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Legato {release}"

_FOLDER_LIST = re.compile(r"```\{toctree\}\n(?:[^`]*\n)?([\w-]+)/\*\n```\n")


def _leave_out_empty_folders(_app: Sphinx, page: str, source: list[str]) -> None:
    """A folder without a page yet is no mistake, but Sphinx's warning can't be suppressed."""
    if page == "index":
        source[0] = _FOLDER_LIST.sub(
            lambda listed: listed[0] if any((_HERE / listed[1]).glob("*.md")) else "", source[0]
        )


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _leave_out_empty_folders)

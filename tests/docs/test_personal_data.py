"""The example of the page on personal data prints what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "find-personal-data.md"


def test_the_example_prints_what_the_page_says() -> None:
    page = PAGE.read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    said = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert code is not None
    assert said is not None
    done = subprocess.run(
        [sys.executable, "-c", code[1]], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == said[1]

"""Chromium against an instance: what it needs, and what Playwright reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from running import ADMIN, CALLER
from seeding import EMAIL, HELPDESK, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import RunningLegato

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "console"
JOURNEYS_S = 1_500
SINGLE_SIGN_ON = "single-sign-on.spec.ts"
"""The journey that has an instance and a provider of its own."""


def why_not() -> str | None:
    """What is missing for a browser to open the console; None where all is there."""
    if browser() is None:
        return "no Chromium here (Debian: apt install chromium)"
    if not (CONSOLE / "node_modules").is_dir():
        return "the console's packages aren't installed (make .make/console-packages)"
    if not (ROOT / "src" / "legato" / "console" / "index.html").is_file():
        return "the console isn't built (make console)"
    return None


def browser() -> str | None:
    """Where Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def playwright(legato: RunningLegato, *asked: str, **more: str) -> dict[str, Any]:
    """Run files of the console in Chromium against an instance, and return Playwright's report."""
    variables = {
        "CHROMIUM": str(browser()),
        "LEGATO_URL": legato.url,
        "LEGATO_ADMIN_KEY": ADMIN,
        "LEGATO_CALLER_KEY": CALLER,
        "LEGATO_HELPDESK_KEY": HELPDESK,
        "LEGATO_EMAIL": EMAIL,
        "LEGATO_PASSWORD": PASSWORD,
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["node", "node_modules/@playwright/test/cli.js", "test", "--reporter=json", *asked]
    done = subprocess.run(
        command,
        cwd=CONSOLE,
        env=os.environ | variables | more,
        capture_output=True,
        text=True,
        timeout=JOURNEYS_S,
        check=False,
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr) from None
    assert report["errors"] == [], report["errors"]
    return report


def failures(suite: dict[str, Any]) -> Iterator[str]:
    """What went wrong in a suite, with the words of each error."""
    for inner in suite.get("suites", ()):
        yield from failures(inner)
    for spec in suite["specs"]:
        for test in spec["tests"]:
            for result in test["results"]:
                if result["status"] != "passed":
                    told = "\n".join(error.get("message", "") for error in result["errors"])
                    yield f"{spec['title']}: {result['status']}\n{told}"

"""Tries changes on recorded traffic, each by a command of its own.

A day's traffic takes seconds of a core and hundreds of megabytes, captured texts an embedder
beside; the command takes them along as it ends, and answers go on meanwhile.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import msgspec

from legato.api.control.what_if_services import BoundAsked, BoundTried
from legato.core.errors import InvalidRequest
from legato.replay.twin.report import Report
from legato.replay.twin.scenario import Scenario

Told = TypeVar("Told", Report, BoundTried)
_LIMIT_S: Final = 45.0
"""Less than who asks waits."""
_TOLD_CHARACTERS: Final = 1_000
_PREFIX: Final = "legato: "


class WhatIfs:
    """One instance's, by its data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def scenario(self, scenario: Scenario) -> Report:
        """Simulate worlds beside the one as it is.

        Raises:
            InvalidRequest: the scenario has problems, its traffic can't be used, or is too much.
        """
        with TemporaryDirectory(prefix="legato-what-if-") as folder:
            file = Path(folder) / "scenario.yaml"
            file.write_bytes(msgspec.json.encode(scenario))
            return self._told(("twin", "run", str(file)), Report)

    def bound(self, asked: BoundAsked) -> BoundTried:
        """Replay captured requests at another bound of the semantic cache.

        Raises:
            InvalidRequest: there is no semantic cache, nothing captured, or too much.
        """
        words = ["cache", "what-if", "--org", asked.org, "--route", asked.route]
        words += ["--bound", repr(asked.bound), "--since", asked.since]
        return self._told(words, BoundTried)

    def _told(self, words: Sequence[str], form: type[Told]) -> Told:
        command = [sys.executable, "-m", "legato", *words, "--json", "--data", str(self._data)]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_LIMIT_S,
            )
        except subprocess.TimeoutExpired:
            told = f"since: it took longer than {_LIMIT_S:.0f} s: choose a shorter time"
            raise InvalidRequest(told, param="since") from None
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            _, ours, told = said.rpartition(_PREFIX)
            if not ours:  # a defect of ours, which is nobody's request
                raise RuntimeError(f"{words[0]} {words[1]} ended with {done.returncode}: {said}")
            raise InvalidRequest(told[:_TOLD_CHARACTERS])
        return msgspec.json.decode(done.stdout, type=form)

"""The price book: asked once at start, in a process of its own, and remembered on disk."""

import logging
import subprocess
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from legato.app.config.environment import environment
from legato.app.prices.price_lookup import Lookup
from legato.app.prices.pricing import unanswered
from legato.core.clock import Clock
from legato.economics.price_book import PriceAnswer, PriceQuestion

log = logging.getLogger(__name__)

PACKAGE = "genai-prices"
FILE_NAME = "price-book.json"
_FORM = 2
"""Of the answers: another number forgets what was remembered."""
_TIMEOUT_S = 60.0
_NS_PER_S = 1_000_000_000
# What Python needs to find its packages; no secret of ours is any business of the catalogue's.
_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HOME", "LANG")


class _Remembered(msgspec.Struct):
    """The file's content; valid for one version of the package."""

    form: int
    package: str
    asked_ns: int
    answers: list[tuple[PriceQuestion, PriceAnswer]]


class PriceBook:
    """Answers price questions; what fails leaves deployments unpriced and is logged."""

    def __init__(self, folder: Path, clock: Clock, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._file = folder / FILE_NAME
        self._clock = clock
        self._timeout_s = timeout_s

    def ask(self, questions: Collection[PriceQuestion]) -> Mapping[PriceQuestion, PriceAnswer]:
        """Answer every question, from the file where it has all of them."""
        try:
            package = f"{PACKAGE} {version(PACKAGE)}"
        except PackageNotFoundError:
            return unanswered(questions, f"The package {PACKAGE} is not installed.")
        now_ns = self._clock.now_ns()
        known = self._read(package, now_ns)
        if known.keys() >= set(questions):
            return {question: known[question] for question in questions}
        ordered = sorted(questions, key=lambda question: (question.address, question.model))
        try:
            answers = self._look_up(Lookup(now_ns, ordered))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            log.warning("no prices from the price book", extra={"reason": _told(error)})
            return unanswered(questions, "The price book could not be read; see the log.")
        fresh = dict(zip(ordered, answers, strict=True))
        self._write(_Remembered(_FORM, package, now_ns, list(fresh.items())))
        return fresh

    def _look_up(self, lookup: Lookup) -> list[PriceAnswer]:
        given = environment()
        done = subprocess.run(
            [sys.executable, "-m", "legato.app.prices.price_lookup"],
            input=msgspec.json.encode(lookup),
            capture_output=True,
            timeout=self._timeout_s,
            env={name: given[name] for name in _VARIABLES if name in given},
            check=True,
        )
        answers = msgspec.json.decode(done.stdout, type=list[PriceAnswer])
        if len(answers) != len(lookup.questions):
            raise ValueError("the answers are not as many as the questions")
        return answers

    def _read(self, package: str, now_ns: int) -> dict[PriceQuestion, PriceAnswer]:
        """Return what is remembered and still true: same package, no price change since."""
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Remembered)
        except (OSError, ValueError):  # none yet, damaged, or of another version: ask again
            return {}
        if kept.form != _FORM or kept.package != package or kept.asked_ns > now_ns:
            return {}
        today = datetime.fromtimestamp(now_ns // _NS_PER_S, UTC).date().isoformat()
        return {
            question: answer
            for question, answer in kept.answers
            if not answer.until or answer.until > today
        }

    def _write(self, kept: _Remembered) -> None:
        part = self._file.with_suffix(".part")
        try:
            part.write_bytes(msgspec.json.encode(kept))
            part.replace(self._file)
        except OSError as error:  # the next start asks again
            log.info("prices not remembered", extra={"reason": error.strerror})


def _told(error: Exception) -> str:
    """Return what can be told; of a failed process, the last line it said."""
    if isinstance(error, subprocess.CalledProcessError):
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        return said[-1] if said else f"exit status {error.returncode}"
    return f"{type(error).__name__}: {error}"

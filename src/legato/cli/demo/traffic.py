"""Sends the prompts: some at once, with a bar, and keeps count of nothing but failures."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from legato.cli.demo.callers import Callers
from legato.cli.demo.prompts import Prompt

AT_ONCE = 3


class Traffic:
    """What is sent, and which calls failed. The figures come from the ledger, not from here."""

    def __init__(self, console: Console, callers: Callers) -> None:
        self._console = console
        self._callers = callers
        self.sent = 0
        self.failures: list[str] = []

    def ask(self, prompt: Prompt, on_text: Callable[[str], None] | None = None) -> str:
        """Ask one question; a failure is kept and answered with an empty text."""
        self.sent += 1
        return self._ask(prompt, on_text)

    def ask_all(self, prompts: Iterable[Prompt], title: str) -> bool:
        """Ask several questions at once; return whether all were answered."""
        waiting, failed_before = list(prompts), len(self.failures)
        self.sent += len(waiting)
        with self._bar() as bar, ThreadPoolExecutor(AT_ONCE) as pool:
            task = bar.add_task(title, total=len(waiting))
            asked = {pool.submit(self._ask, prompt): prompt for prompt in waiting}
            try:
                for done in as_completed(asked):
                    prompt = asked[done]
                    now = f"{title}  [dim]{prompt.team}/{prompt.feature}, {prompt.sdk} SDK[/]"
                    bar.update(task, advance=1, description=now)
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return len(self.failures) == failed_before

    def _bar(self) -> Progress:
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def _ask(self, prompt: Prompt, on_text: Callable[[str], None] | None = None) -> str:
        try:
            return self._callers.ask(prompt, on_text)
        except Exception as error:  # noqa: BLE001 - SDKs let their HTTP library's errors through
            said = " ".join(str(error).split())
            self.failures.append(f"{prompt.team}/{prompt.feature} ({prompt.sdk}): {said}")
            return ""

"""The order of events: prepare, start, ask, break a provider, ask on, read the books, serve."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from rich.console import Console

from legato.app.checks.instance import Instance
from legato.app.config.environment import environment
from legato.app.desks.stored_data import stored_data
from legato.cli.demo.checks import await_ledger, run_checks
from legato.cli.demo.console import calls_going_on, make_sign_in
from legato.cli.demo.figures import read_figures
from legato.cli.demo.place import Keys, bring_weights, make_keys, prepare_folder
from legato.cli.demo.premium import Premium, choose_premium
from legato.cli.demo.prompts import Prompts, packaged_prompts
from legato.cli.demo.server import Server, running
from legato.cli.demo.settings import PARTNER, PARTNER_PROVIDER
from legato.cli.demo.simulated import SimulatedProvider
from legato.cli.demo.view import (
    Sample,
    open_console,
    show_checks,
    show_figures,
    show_step,
    show_title,
    show_what_to_try,
)
from legato.core.clock import SystemClock
from legato.core.errors import OperatorError

if TYPE_CHECKING:
    from legato.cli.demo.traffic import Traffic

_SDKS: Final = ("openai", "anthropic")
_INTERRUPTED: Final = 130
_TITLE: Final = "[bold]Legato[/]  one gateway to all your models, with exact spend"


def run(folder: Path, port: int, *, ends: bool) -> int:
    """Run the demo and return the exit status.

    Raises:
        OperatorError: something is missing or did not start, with what to do about it.
    """
    _require_sdks()
    console = open_console()
    with _stops_by_signal():
        try:
            return _run(console, folder, port, ends=ends)
        except KeyboardInterrupt:
            console.print("\nStopped; nothing is left running.")
            return _INTERRUPTED


def _run(console: Console, folder: Path, port: int, *, ends: bool) -> int:
    show_title(console, _TITLE)
    prompts = packaged_prompts()
    premium = choose_premium(console, environment(), _premium_calls(prompts))
    instance = prepare_folder(folder, premium, port)
    bring_weights(console, instance.data)
    keys = make_keys(instance, prompts.purposes)
    teams = len({team for team, _ in keys.teams})
    show_step(console, f"{len(keys.teams)} keys for {teams} teams, configuration in {folder}")
    with running(Server(instance)) as server:
        with console.status("Starting the gateway and loading SmolLM2-135M-Instruct..."):
            url = server.await_ready()
        show_step(console, f"Gateway ready at {url}, with SmolLM2-135M-Instruct on this machine")
        show_step(console, f"Premium tier: {premium.title}")
        passed = _drive(console, instance, _Cast(prompts, premium, keys, url))
        if ends or not passed:
            return 0 if passed else 1
        show_what_to_try(url, keys.yours, folder, make_sign_in(instance))
        return _serve_on(console, server, _Cast(prompts, premium, keys, url))


class _Cast:
    """Who takes part."""

    def __init__(self, prompts: Prompts, premium: Premium, keys: Keys, url: str) -> None:
        self.prompts = prompts
        self.premium = premium
        self.keys = keys
        self.url = url


def _drive(console: Console, instance: Instance, cast: _Cast) -> bool:
    """Send everything, show what came of it; return whether all of it is as it must be."""
    from legato.cli.demo.callers import Callers  # noqa: PLC0415 - the SDKs are an extra
    from legato.cli.demo.traffic import Traffic  # noqa: PLC0415 - same

    providers = [PARTNER_PROVIDER, *([cast.premium.provider] if cast.premium.simulated else [])]
    simulated = {name: SimulatedProvider(instance.data, name) for name in providers}
    since_ns = SystemClock().now_ns()
    callers = Callers(cast.url, cast.keys.teams, cast.premium.deployment)
    try:
        traffic = Traffic(console, callers)
        _ask_everything(console, traffic, cast.prompts, simulated[PARTNER_PROVIDER])
    finally:
        callers.close()
    routes = {route.alias: route.deployments for route in instance.loaded.config.routes}
    with stored_data(instance) as stored:
        await_ledger(stored, since_ns, traffic.sent - len(traffic.failures))
        figures = read_figures(stored, since_ns, routes)
        booked = {name: provider.calls() for name, provider in simulated.items()}
        checks = run_checks(stored, figures, since_ns, sent=traffic.sent, booked=booked)
    show_figures(console, figures, cast.premium)
    show_checks(console, checks, traffic.failures)
    return all(check.holds for check in checks) and not traffic.failures


def _ask_everything(
    console: Console, traffic: "Traffic", prompts: Prompts, partner: SimulatedProvider
) -> None:
    question = prompts.first[0]
    title = (
        f"{question.team} asks through the {question.sdk} SDK, SmolLM2-135M answers on this machine"
    )
    with Sample(console, question.prompt, title) as sample:
        traffic.ask(question, sample.add)
    done = traffic.ask_all(prompts.teams, "Three teams at work")
    show_step(console, f"{len(prompts.teams)} calls by the OpenAI and Anthropic SDKs", done=done)
    done = traffic.ask_all(prompts.again, "The same questions again")
    show_step(console, f"{len(prompts.again)} questions asked again, word for word", done=done)
    partner.fail()
    console.print(f"[yellow]⚡ {PARTNER} now refuses half of its calls and cuts the others[/]")
    try:
        done = traffic.ask_all(prompts.outage, "Asking on")
    finally:
        partner.recover()
    outage = f"{len(prompts.outage)} calls through the outage; {PARTNER} is well again"
    show_step(console, outage, done=done)


def _serve_on(console: Console, server: Server, cast: _Cast) -> int:
    """Serve until told to stop, which is how a demo ends well; calls that cost nothing go on."""
    from legato.cli.demo.callers import Callers  # noqa: PLC0415 - the SDKs are an extra
    from legato.cli.demo.traffic import Traffic  # noqa: PLC0415 - same

    callers = Callers(cast.url, cast.keys.teams, cast.premium.deployment)
    asked = cast.prompts.teams if cast.premium.simulated else ()
    try:
        with suppress(KeyboardInterrupt), calls_going_on(Traffic(console, callers).ask, asked):
            return server.wait()
    finally:
        callers.close()
    return 0


def _premium_calls(prompts: Prompts) -> int:
    """Return about how many calls reach the premium tier: those asked of it, and the outage's."""
    return len(prompts.outage) + sum(1 for one in prompts.teams if one.model == "premium")


def _require_sdks() -> None:
    missing = [name for name in _SDKS if find_spec(name) is None]
    if missing:
        named = " and ".join(missing)
        raise OperatorError(f"the demo calls through {named}: pip install 'legato[demo]'")


@contextmanager
def _stops_by_signal() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the demo in order, as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""The `legato` command. A subcommand's module is imported only when it runs."""

import os
import pwd
from importlib import import_module
from types import MappingProxyType

import click

from legato.audit.acting import acting_as
from legato.audit.event import Actor
from legato.core.errors import ConfigInvalid, LegatoError

_COMMANDS = MappingProxyType(
    {
        "accounts": (
            "legato.cli.governance.accounts:accounts",
            "Say who signs in to administer Legato.",
        ),
        "apply": (
            "legato.cli.registry.registry:apply",
            "Make an environment what a directory says.",
        ),
        "audit": (
            "legato.cli.governance.audit:audit",
            "Read the audit log, and verify that nobody changed it.",
        ),
        "budgets": (
            "legato.cli.spend.budgets:budgets",
            "Say how much may be spent, and see how budgets stand.",
        ),
        "cache": (
            "legato.cli.routing.cache:cache",
            "Look at the semantic cache, and purge it.",
        ),
        "can": ("legato.cli.governance.roles:can", "Say whether somebody may, and why."),
        "captures": ("legato.cli.governance.captures:captures", "Read captured requests."),
        "config": ("legato.cli.config:config", "Show, check or migrate a configuration."),
        "conformance": (
            "legato.cli.conformance.command:conformance",
            "Check any OpenAI-compatible server's wire.",
        ),
        "datasets": (
            "legato.cli.evaluation.datasets:datasets",
            "Keep the cases that versions are judged by.",
        ),
        "demo": ("legato.cli.demo.command:demo", "Watch real prompts go through, with their cost."),
        "diff": ("legato.cli.registry.registry:diff", "Show what `apply` would change."),
        "doctor": ("legato.cli.doctor:doctor", "Say what this machine lacks and how to get it."),
        "endpoints": (
            "legato.cli.endpoints:endpoints",
            "List what is served, with the stages each request passes.",
        ),
        "erase": (
            "legato.cli.governance.erase:erase",
            "Erase all content of a user, or of one request.",
        ),
        "eval": (
            "legato.cli.evaluation.evaluations:evaluations",
            "Judge versions and models; gate a change.",
        ),
        "export": ("legato.cli.registry.registry:export", "Write an environment as a directory."),
        "feedback": (
            "legato.cli.evaluation.feedback:feedback",
            "Read what callers said of their answers.",
        ),
        "guard": ("legato.cli.guardrails.guard:guard", "Look for personal data and secrets."),
        "holdout": (
            "legato.cli.registry.holdout:holdout",
            "Measure what a route saves, by callers who have its baseline.",
        ),
        "journal": ("legato.cli.spend.journal:journal", "Look at the spend journal."),
        "judges": (
            "legato.cli.evaluation.judges:judges",
            "Try judges, and measure how they agree with people.",
        ),
        "keys": ("legato.cli.governance.keys:keys", "Create, list, rotate and revoke keys."),
        "ledger": (
            "legato.cli.spend.ledger:ledger",
            "Read, sum, export and verify what was spent.",
        ),
        "local": ("legato.cli.local:local", "Run small models on this machine."),
        "models": ("legato.cli.routing.models:models", "Show what each deployment can do."),
        "prices": ("legato.cli.spend.prices:prices", "Show what each deployment charges."),
        "proposals": (
            "legato.cli.registry.proposals:proposals",
            "See what a vendor's change would do, accept or reject it.",
        ),
        "registry": (
            "legato.cli.registry.registry:registry",
            "Look at versions of prompts, move their labels.",
        ),
        "replay": (
            "legato.cli.routing.replay:replay",
            "Decide recorded requests again and compare.",
        ),
        "reviews": (
            "legato.cli.evaluation.reviews:reviews",
            "Let people label answers by a judge's rubric.",
        ),
        "rollback": (
            "legato.cli.registry.registry:rollback",
            "Point a label to what it was before.",
        ),
        "roles": ("legato.cli.governance.roles:roles", "Give people and keys roles."),
        "rollouts": (
            "legato.cli.registry.rollouts:rollouts",
            "Replace a version step by step, or take it back.",
        ),
        "route": ("legato.cli.routing.route:route", "Say why requests go where they go."),
        "scores": (
            "legato.cli.evaluation.scores:scores",
            "Show scores of live answers, and their drift.",
        ),
        "security": (
            "legato.cli.guardrails.security:security",
            "Try adversarial requests on your own configuration.",
        ),
        "simulate": ("legato.cli.simulate:simulate", "Run the simulated provider by itself."),
        "stats": ("legato.cli.spend.stats:stats", "Watch traffic, spend and savings."),
        "tokens": (
            "legato.cli.governance.tokens:tokens",
            "Give accounts tokens for scripts and machines.",
        ),
        "twin": (
            "legato.cli.routing.twin:twin",
            "Try a change on recorded traffic before it is real.",
        ),
        "up": ("legato.cli.up:up", "Start the control plane."),
        "vault": (
            "legato.cli.governance.vault:vault",
            "Keep credentials; rotate the keys that seal them.",
        ),
        "verify": (
            "legato.cli.verify.command:verify",
            "Call a provider for real and see whether it works.",
        ),
        "where-used": (
            "legato.cli.registry.registry:where_used",
            "List the versions that name something.",
        ),
        "version": ("legato.cli.version:version", "Print the version."),
    }
)
_EXIT_CONFIG = 2
_EXIT_ERROR = 1


class LazyGroup(click.Group):
    """A group that knows its commands by name, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in order."""
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that is asked for."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in sorted(_COMMANDS)])

    def invoke(self, ctx: click.Context) -> object:
        """Run; an error of ours is one clear line, never a traceback."""
        try:
            with acting_as(Actor("operator", _user())):
                return super().invoke(ctx)
        except LegatoError as error:
            click.echo(f"legato: {error.message}", err=True)
            ctx.exit(_EXIT_CONFIG if isinstance(error, ConfigInvalid) else _EXIT_ERROR)


def _user() -> str:
    """Return who works at this terminal, the number where the machine knows no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Legato: one gateway to all your AI models, with exact spend."""

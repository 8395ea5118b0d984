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
        "access": (
            "legato.cli.governance.access:access",
            "Say which keys may use which models, deployments and tools.",
        ),
        "accounts": (
            "legato.cli.governance.accounts:accounts",
            "Say who signs in to administer Legato.",
        ),
        "anomalies": (
            "legato.cli.notices.anomalies:anomalies",
            "See spend that isn't as it was, and why.",
        ),
        "apply": (
            "legato.cli.registry.registry:apply",
            "Make an environment what a directory says.",
        ),
        "assess": (
            "legato.cli.baseline.report:assess",
            "Say whether orchestration is worth it here, or not yet.",
        ),
        "assumptions": (
            "legato.cli.finance.assumptions:assumptions",
            "Set the figures that plans rest on.",
        ),
        "audit": (
            "legato.cli.governance.audit:audit",
            "Read the audit log, and verify that nobody changed it.",
        ),
        "audit-code": (
            "legato.cli.baseline.audit_code:audit_code",
            "Find calls of models, prompts and keys in source code.",
        ),
        "backup": (
            "legato.cli.backup:backup",
            "Copy an instance on SQLite while it runs, and put a copy back.",
        ),
        "baseline": (
            "legato.cli.baseline.baseline:baseline",
            "Import others' usage reports; say what AI costs before Legato.",
        ),
        "benefits": (
            "legato.cli.finance.entries:benefits",
            "Keep benefits beyond cost.",
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
        "compliance": (
            "legato.cli.compliance.commands:compliance",
            "Hold this instance against GDPR, HIPAA and SOC 2.",
        ),
        "chargeback": (
            "legato.cli.accounting.chargeback:chargeback",
            "Charge what was spent to cost centres and accounts.",
        ),
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
        "digest": ("legato.cli.notices.digest:digest", "See the week of a team."),
        "doctor": ("legato.cli.doctor:doctor", "Say what this machine lacks and how to get it."),
        "endpoints": (
            "legato.cli.endpoints:endpoints",
            "List what is served, with the stages each request passes.",
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
        "incidents": (
            "legato.cli.notices.objectives:incidents",
            "See what somebody has to deal with, and say what it was.",
        ),
        "insight": (
            "legato.cli.spend.insights:insight",
            "Show figures, each with its definition and query.",
        ),
        "invoices": (
            "legato.cli.accounting.invoices:invoices",
            "Set what vendors bill beside the ledger, and explain each difference.",
        ),
        "journal": ("legato.cli.spend.journal:journal", "Look at the spend journal."),
        "judges": (
            "legato.cli.evaluation.judges:judges",
            "Try judges, and measure how they agree with people.",
        ),
        "keys": ("legato.cli.governance.keys:keys", "Create, list, rotate and revoke keys."),
        "kpis": ("legato.cli.spend.insights:kpis", "Show KPIs, set targets, compare."),
        "labour": (
            "legato.cli.finance.entries:labour",
            "Keep hours of work, before and after.",
        ),
        "ledger": (
            "legato.cli.spend.ledger:ledger",
            "Read, sum, export and verify what was spent.",
        ),
        "local": ("legato.cli.local:local", "Run small models on this machine."),
        "models": ("legato.cli.routing.models:models", "Show what each deployment can do."),
        "plan": (
            "legato.cli.finance.plan:plan",
            "Say what it costs and brings, when it pays, what volume does.",
        ),
        "pnl": ("legato.cli.finance.plan:pnl", "Show each feature's profit and loss."),
        "periods": (
            "legato.cli.accounting.periods:periods",
            "Close the books of a month, and prove that they stayed closed.",
        ),
        "notifications": ("legato.cli.notices.notifications:notifications", "See what was told."),
        "objectives": (
            "legato.cli.notices.objectives:objectives",
            "Say what share of requests is to go well.",
        ),
        "prices": ("legato.cli.spend.prices:prices", "Show what each deployment charges."),
        "privacy": (
            "legato.cli.privacy.command:privacy",
            "Erase what is held about somebody, or hand it out.",
        ),
        "proposals": (
            "legato.cli.registry.proposals:proposals",
            "See what a vendor's change would do, accept or reject it.",
        ),
        "rates": (
            "legato.cli.accounting.rates:rates",
            "Keep dated rates of currencies.",
        ),
        "registry": (
            "legato.cli.registry.registry:registry",
            "Look at versions of prompts, move their labels.",
        ),
        "replay": (
            "legato.cli.routing.replay:replay",
            "Decide recorded requests again and compare.",
        ),
        "revenue": ("legato.cli.finance.entries:revenue", "Keep what features earn."),
        "review": (
            "legato.cli.finance.review:review",
            "Say what AI could cost less, once a month.",
        ),
        "report": (
            "legato.cli.finance.report:report",
            "Write costs, savings and returns as a workbook or pages.",
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
        "sample": (
            "legato.cli.sample.command:sample",
            "Bring in an invented company to look at, and take it away.",
        ),
        "savings": (
            "legato.cli.spend.insights:savings",
            "Show what is saved, and freeze baselines.",
        ),
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
        "tasks": (
            "legato.cli.workflows.tasks:tasks",
            "See what workflows ask people, and answer.",
        ),
        "tenants": (
            "legato.cli.governance.tenants:tenants",
            "Make organisations, teams and features.",
        ),
        "tokens": (
            "legato.cli.governance.tokens:tokens",
            "Give accounts tokens for scripts and machines.",
        ),
        "tools": (
            "legato.cli.workflows.tools:tools",
            "Look at tools of workflows and agents, and try them.",
        ),
        "triggers": (
            "legato.cli.workflows.triggers:triggers",
            "See what begins runs of workflows by itself, and steer it.",
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
        "workflow": (
            "legato.cli.workflows.workflow:workflow",
            "Run workflows, follow them, and see what they cost.",
        ),
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

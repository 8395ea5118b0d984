"""`legato invoices`: what vendors bill, beside what the ledger has."""

from pathlib import Path

import click

from legato.cli.accounting.periods import org_option
from legato.cli.options import instance_options, json_option

_INVOICE = click.argument("invoice", metavar="ID")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def invoices() -> None:
    """Import invoices, say which vendor keys are yours, reconcile, explain, accept, dispute."""


@invoices.command("import")
@instance_options
@json_option
@org_option
@click.option("--name", help="The invoice's number.  [default: the first file's name]")
@click.option("--vendor", default="", help="Whose it is, where the lines don't say it.")
@click.option("--format", "form", default="auto", show_default=True, help="A reader, or plain.")
@click.option("--from", "first", help="First day it is about, as 2026-10-01.")
@click.option("--until", "last", help="The day after its last.")
@click.argument("files", nargs=-1, required=True, type=_FILE)
def import_invoice(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    org: str,
    files: tuple[Path, ...],
    **said: str | None,
) -> None:
    """Import one: a vendor's export of costs, with one of usage beside it, or plain lines.

    Plain lines are a CSV with start, end and cost, and where they are known vendor, key, model,
    charge (usage, credit, commitment, tax, refund, rounding, fee), currency and tokens by class.
    """
    from legato.cli.accounting import invoice_actions  # noqa: PLC0415 - keeps `--help` fast

    invoice_actions.import_invoice((data, config_file), org, files, said, as_json=as_json)


@invoices.command()
@instance_options
@json_option
@org_option
@click.option("--vendor", required=True, help="As invoices of it say.")
@click.option("--key", default="", help="The vendor's id or name of the key; none: the account.")
@click.option("--provider", help="Our provider that uses it; - for none any more.")
def keys(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    org: str,
    vendor: str,
    key: str,
    provider: str | None,
) -> None:
    """List a vendor's keys that are ours, or say whose one is. Never name its secret."""
    from legato.cli.accounting import invoice_actions  # noqa: PLC0415

    invoice_actions.keys((data, config_file), org, (vendor, key, provider), as_json=as_json)


@invoices.command("list")
@instance_options
@json_option
@org_option
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_invoices(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, count: int
) -> None:
    """List invoices, newest first."""
    from legato.cli.accounting import invoice_actions  # noqa: PLC0415

    invoice_actions.list_invoices((data, config_file), org, count, as_json=as_json)


@invoices.command()
@instance_options
@json_option
@org_option
@_INVOICE
def reconcile(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, invoice: str
) -> None:
    """Show the invoice, the ledger, and the difference by its causes, which sum to it."""
    from legato.cli.accounting import invoice_actions  # noqa: PLC0415

    invoice_actions.reconcile((data, config_file), org, invoice, as_json=as_json)


@invoices.command()
@instance_options
@json_option
@org_option
@click.option("--cause", help="Only this cause.")
@_INVOICE
def explain(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    org: str,
    cause: str | None,
    invoice: str,
) -> None:
    """Show each part of the difference: model, day, vendor key, tokens and lines."""
    from legato.cli.accounting import invoice_actions  # noqa: PLC0415

    invoice_actions.explain((data, config_file), org, (invoice, cause), as_json=as_json)


@invoices.command()
@instance_options
@org_option
@click.option("--reason", default="", help="Why, where usage went past the gateway.")
@_INVOICE
def accept(config_file: Path | None, data: Path, *, org: str, reason: str, invoice: str) -> None:
    """Accept what is billed; it isn't accrued any more."""
    from legato.cli.accounting import invoice_actions  # noqa: PLC0415

    invoice_actions.decide((data, config_file), org, (invoice, reason), accepted=True)


@invoices.command()
@instance_options
@org_option
@click.option("--reason", required=True, help="What is disputed.")
@_INVOICE
def dispute(config_file: Path | None, data: Path, *, org: str, reason: str, invoice: str) -> None:
    """Dispute it: traces of its time are kept until it is accepted."""
    from legato.cli.accounting import invoice_actions  # noqa: PLC0415

    invoice_actions.decide((data, config_file), org, (invoice, reason), accepted=False)

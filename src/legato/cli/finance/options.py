"""Options that commands of the books and of plans share."""

import click

org_option = click.option("--org", default="default", show_default=True, help="Whose it is.")

"""What `legato accounts join` does: an invitation is used, at any server, by whom it is for."""

import sys
from pathlib import Path

import click

from legato.cli.control_client import open_client


def join(data: Path, url: str | None, login: str | None) -> None:
    """Choose a password by an invitation, or have `login` take what it gives.

    Raises:
        OperatorError: the server's own words of why not.
    """
    client = open_client(url, "", data)
    token = _asked("invitation")
    if login is None:
        body = {"token": token, "password": _asked("password", twice=True)}
        accepted = client.post("/login/invitation", body)
        click.echo(f"You sign in as {accepted['login']} from now on.")
        return
    client.sign_in(login, _asked("password"))
    try:
        joined = client.post("/me/invitations", {"token": token})
    finally:
        client.sign_out()
    click.echo(f"{login} has what {joined['org']} invited it to.")


def _asked(what: str, *, twice: bool = False) -> str:
    """Ask at the terminal, unseen; where there is none, read one line."""
    if sys.stdin.isatty():
        answer: str = click.prompt(what, hide_input=True, confirmation_prompt=twice)
        return answer.strip() if what == "invitation" else answer
    return sys.stdin.readline().rstrip("\n")

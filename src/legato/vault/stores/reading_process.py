"""A process that reads secrets elsewhere: `python -m legato.vault.stores.reading_process`.

The clients' libraries take 50 MiB that every fork of a server would keep, so they are loaded here
and nowhere else. Order and answer go through pipes: nothing is in a list of processes or a file.
"""

import os
import signal
import sys
from collections.abc import Callable

import msgspec

from legato.core.config_parts import SecretRef
from legato.vault.key_service import ServiceAway, VaultUnusable
from legato.vault.stores.aws import AwsReader
from legato.vault.stores.hashicorp import HashicorpReader
from legato.vault.stores.order import Found, Order, Unread

SECRET_BYTES_MAX = 64 * 1024


def main() -> None:
    """Read what standard input says, and tell on standard output what was found."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: its parent ends it
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # whatever a library prints may hold a secret
        os.dup2(nowhere, stream)
    answers.write(msgspec.json.encode(read(order)))


def read(order: Order) -> list[Found]:
    """Return what was found of each that is wanted, in its order."""
    hashicorp = HashicorpReader(order.hashicorp) if order.hashicorp is not None else None
    aws = AwsReader(order.aws) if order.aws is not None else None

    def one(reference: SecretRef) -> object:
        if reference.hashicorp is not None and hashicorp is not None:
            return hashicorp.read(reference.hashicorp)
        if reference.aws_secret is not None and aws is not None:
            return aws.read(reference.aws_secret)
        raise Unread("no store of this kind is configured", "Say in `secret_stores` where it is.")

    failed: dict[bool, Found] = {}
    return [_found(reference, one, failed) for reference in order.wanted]


def _found(
    reference: SecretRef, read_one: Callable[[SecretRef], object], failed: dict[bool, Found]
) -> Found:
    """Read one; a store that didn't answer isn't asked again and again."""
    kind = reference.hashicorp is not None
    if kind in failed:
        return failed[kind]
    try:
        value = read_one(reference)
    except Unread as unread:
        return unread.found
    except VaultUnusable as error:
        found = Found(None, error.message, "Look at `secret_stores` as well.")
        if isinstance(error, ServiceAway):
            failed[kind] = found
        return found
    if not isinstance(value, str) or not value:
        state = "is empty" if value == "" else "is no text"
        return Found(None, f"what the store has there {state}", "Write the secret there as text.")
    if len(value.encode()) > SECRET_BYTES_MAX:
        told = f"what the store has there is over {SECRET_BYTES_MAX} bytes"
        return Found(None, told, "Is it the right secret?")
    return Found(value)


if __name__ == "__main__":
    main()

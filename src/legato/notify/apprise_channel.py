"""Services that apprise knows: each notification is sent by a process of its own."""

import subprocess
import sys
from typing import Final

import msgspec

from legato.core.egress import Egress
from legato.core.notification import Notification
from legato.notify.apprise_process import Order, Outcome
from legato.notify.channel import SendFailed

TIMEOUT_S: Final = 30.0
_ENVIRONMENT: Final = {"LANG": "C.UTF-8", "HOME": "/nonexistent", "PYTHONSAFEPATH": "1"}
"""Nothing of ours: no secret, no proxy."""


class AppriseChannel:
    """A `Channel`: by one URL of apprise's."""

    def __init__(self, url: str, egress: Egress, ca_file: str | None = None) -> None:
        self._url = url
        self._egress = egress
        self._ca_file = ca_file

    def send(self, notification: Notification) -> None:
        """Send it; the id stands below the text, since no service has a place for it."""
        said = f"{notification.text}\n\n({notification.kind}, {notification.id})"
        html = notification.html and (
            f"{notification.html}<p><small>{notification.kind}, {notification.id}</small></p>"
        )
        outcome = self._ask(
            Order(
                url=self._url,
                title=notification.title,
                text=said,
                html=html,
                severity=notification.severity.value,
                private=self._egress.private,
                hosts=sorted(self._egress.hosts),
                networks=[str(one) for one in self._egress.networks],
                ca_file=self._ca_file,
            )
        )
        if not outcome.sent:
            raise SendFailed(outcome.told, hopeless=outcome.hopeless)

    def _ask(self, order: Order) -> Outcome:
        program = [sys.executable, "-m", "legato.notify.apprise_process"]
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                program,
                input=msgspec.json.encode(order),
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                env=_ENVIRONMENT,
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            raise SendFailed(f"no answer in {TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise SendFailed(f"no process can be started: {error.strerror}") from None
        try:
            return msgspec.json.decode(done.stdout, type=Outcome)
        except msgspec.DecodeError:
            raise SendFailed(f"its process ended with {done.returncode}") from None

"""E-mail through a mail server: text and HTML, one message to all who are named."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import msgspec

from legato.core.notification import Notification
from legato.notify.channel import SendFailed

_TIMEOUT_S: Final = 15.0
_NS_PER_S: Final = 1_000_000_000

Connect = Callable[[], socket.socket]
"""Opens a stream to the server, TLS where it is implicit. Raises SendFailed."""


class Account(msgspec.Struct, frozen=True):
    """By whom it is sent and to whom. Without a user nobody signs in."""

    host: str
    sender: str
    to: Sequence[str]
    starttls: bool
    user: str = ""
    password: str = ""


class Email:
    """A `Channel`: the message's id is made of the notification's."""

    def __init__(
        self, account: Account, connect: Connect, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        """`tls` is what a connection begun in the clear goes on with."""
        self._account = account
        self._connect = connect
        self._tls = tls

    def send(self, notification: Notification) -> None:
        """Hand one message to the server."""
        account = self._account
        try:
            with contextlib.closing(_Smtp(self._connect, account.host)) as server:
                server.ehlo()
                if account.starttls:
                    server.starttls(context=self._tls())
                    server.ehlo()
                if account.user:
                    server.login(account.user, account.password)
                server.send_message(message_of(notification, account))
                with contextlib.suppress(smtplib.SMTPException):
                    server.quit()
        except smtplib.SMTPRecipientsRefused as refused:
            codes = ", ".join(str(code) for code, _ in refused.recipients.values())
            raise SendFailed(f"the mail server takes none of the addresses: {codes}") from None
        except smtplib.SMTPResponseException as answer:
            raise SendFailed(f"the mail server answered {answer.smtp_code}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or type(error).__name__
            raise SendFailed(f"the mail server {account.host}: {told}") from None


class _Smtp(smtplib.SMTP):
    """Over a connection whose address was judged."""

    def __init__(self, connect: Connect, host: str) -> None:
        self._opened = connect
        super().__init__(timeout=_TIMEOUT_S)
        self._host = host  # what the certificate has to be of
        code, _ = self.connect(host, 25)
        if code != 220:  # noqa: PLR2004 - RFC 5321: ready
            raise smtplib.SMTPConnectError(code, "")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del host, port
        opened = self._opened()
        opened.settimeout(timeout)
        return opened


def message_of(notification: Notification, account: Account) -> EmailMessage:
    """Return the message: text, and HTML beside it where there is some."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = notification.title.replace("\n", " ").replace("\r", " ")
    message["From"] = account.sender
    message["To"] = ", ".join(account.to)
    message["Date"] = format_datetime(datetime.fromtimestamp(notification.at_ns // _NS_PER_S, UTC))
    domain = account.sender.rpartition("@")[2]
    message["Message-ID"] = f"<{notification.id}@{domain}>"
    message["X-Legato-Kind"] = notification.kind
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notification.text)
    if notification.html:
        message.add_alternative(notification.html, subtype="html")
    if notification.attachment is not None:
        attached = notification.attachment
        kind, _, subtype = attached.media_type.partition(";")[0].partition("/")
        message.add_attachment(
            attached.content, maintype=kind, subtype=subtype, filename=attached.name
        )
    return message

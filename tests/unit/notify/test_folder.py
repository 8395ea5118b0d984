"""Folders and mails take what goes with a notification."""

import json

from legato.core.notification import Attachment, Notification, Severity
from legato.notify.email import Account, message_of
from legato.notify.folder import Folder

SAID = Notification(
    id="0" * 32, kind="report.made", severity=Severity.INFO, title="A report", text="It is there.",
    at_ns=1_700_000_000 * 10**9, once="x", org="../acme", facts={"sha256": "abc"},
    attachment=Attachment("../savings 2026.pdf", "application/pdf", b"%PDF-1.7"),
)  # fmt: skip


class Kept:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data


def test_a_folder_has_the_file_and_what_is_told_of_it() -> None:
    kept = Kept()
    Folder(kept).send(SAID)
    Folder(kept).send(SAID)
    file, told = sorted(kept.files)
    place = f"_acme/{'0' * 32}"
    assert (file, told) == (f"{place}-_savings_2026.pdf", f"{place}.json")
    assert kept.files[file] == b"%PDF-1.7"
    assert json.loads(kept.files[told])["data"]["facts"] == {"sha256": "abc"}


def test_a_mail_has_it_attached() -> None:
    message = message_of(SAID, Account("h", "l@example.org", ["t@example.org"], starttls=False))
    [part] = message.iter_attachments()
    assert part.get_content_type() == "application/pdf"
    assert part.get_content() == b"%PDF-1.7"

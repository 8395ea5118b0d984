"""Opens what is held about somebody: rows with their sealed columns read."""

import base64
from collections.abc import Callable
from typing import Any, Final

import msgspec

from legato.cache.semantic.entry import decode_entry, entry_context
from legato.core.captured import decode_content, sealing_context
from legato.core.guard_samples import decode_excerpt, excerpt_context, reason_context
from legato.core.kept_maps import decode_values, map_context, reading_context
from legato.evaluation.answering import Judged
from legato.evaluation.evaluations import content_context, place_of
from legato.gateway.conversations import response_context
from legato.insights.feedback import Sealer, texts_of
from legato.insights.reviews import item_context, label_context
from legato.storage.evaluation.live_scores import score_context
from legato.storage.incidents.words import incident_context
from legato.storage.notifications.outbox import words_context
from legato.storage.privacy.subject_rows import Row
from legato.vault.envelope import Envelopes
from legato.workflows.agent_memory import note_context
from legato.workflows.nodes.twin import twin_context
from legato.workflows.people.tasks import event_context, task_context, vote_context
from legato.workflows.runs.sealing import (
    BEGIN,
    END,
    message_context,
    run_context,
    step_context,
)

GONE: Final = "it can't be read any more: it was erased, or its key was destroyed"
EXPORT_REASON: Final = b"subject export\x00"
Opened = Callable[[bytes], Any]


def export_context(export_id: str) -> bytes:
    """Return what the sealed reason of an export is bound to."""
    return EXPORT_REASON + export_id.encode()


class Opener:
    """One organisation's. Blocking; methods may raise StorageUnavailable and VaultUnusable."""

    def __init__(self, org: str, sealing: Envelopes) -> None:
        self._org = org
        self._sealing: Sealer = sealing

    def opened(self, table: str, row: Row) -> dict[str, Any]:
        """Return a row as plain data; what is sealed in it stands opened under `content`."""
        shown = {name: value for name, value in row.items() if not isinstance(value, bytes)}
        if table == "feedback":
            texts = texts_of(row, self._sealing)
            shown["content"] = msgspec.to_builtins(texts) if texts.readable else GONE
        elif table in _READERS:
            context, read = _READERS[table]
            shown["content"] = self._read(bytes(row["sealed"]), context(row), read)
            if table == "workflow_run":
                came = bytes(row["sealed_end"])
                shown["came_to"] = self._read(came, run_context(row["id"], END), read)
        elif table == "account_session":
            shown.pop("sealed", None)  # of the provider: a token, nothing about them
        return shown

    def _read(self, sealed: bytes, context: bytes, read: Opened) -> Any:
        if not sealed:
            return GONE
        try:
            return read(self._sealing.open(self._org, sealed, context))
        except ValueError:
            return GONE


def _capture(opened: bytes) -> dict[str, Any]:
    content = decode_content(opened)
    return {
        "request": _plain(content.request),
        "sent": _plain(content.rendered) if content.rendered else None,
        "answer": _plain(content.answer),
        "complete": content.complete,
    }


def _entry(opened: bytes) -> dict[str, Any]:
    entry, _ = decode_entry(opened)
    return {"question": entry.text, "answer": _answer(msgspec.to_builtins(entry.answer))}


def _answer(value: Any) -> Any:
    """Return bytes in plain data, which msgspec writes as base64, as the text they are."""
    if isinstance(value, list | tuple):
        return [_answer(one) for one in value]
    if isinstance(value, str):
        try:
            return _plain(base64.b64decode(value, validate=True))
        except ValueError:
            return value
    return value


def _plain(data: bytes) -> Any:
    """Return JSON as what it says, and anything else as its text."""
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def _text(opened: bytes) -> str:
    return opened.decode("utf-8", "replace")


def _label(opened: bytes) -> dict[str, Any]:
    comment, correction = msgspec.json.decode(opened)
    return {"comment": comment, "correction": correction}


def _answered(row: Row) -> bytes:
    place = place_of(row["case_number"], row["subject"], row["repetition"])
    return content_context(row["evaluation_id"], place)


_READERS: Final[dict[str, tuple[Callable[[Row], bytes], Opened]]] = {
    "capture": (lambda row: sealing_context(row["request_id"]), _capture),
    "stored_response": (lambda row: response_context(row["org"], row["id"]), _plain),
    "live_score": (lambda row: score_context(row["id"]), _text),
    "guard_sample": (
        lambda row: excerpt_context(row["id"]),
        lambda opened: msgspec.structs.asdict(decode_excerpt(opened)),
    ),
    "guard_judgement": (lambda row: reason_context(row["sample_id"]), _text),
    "agent_note": (lambda row: note_context(row["id"]), _text),
    "workflow_twin": (lambda row: twin_context(row["twin"], row["whose"]), _plain),
    "kept_map": (lambda row: map_context(row["request_id"]), decode_values),
    "map_reading": (lambda row: reading_context(row["request_id"]), _text),
    "evaluation_answer": (
        _answered,
        lambda opened: msgspec.to_builtins(msgspec.json.decode(opened, type=Judged)),
    ),
    "review_item": (lambda row: item_context(row["id"]), _plain),
    "human_task": (lambda row: task_context(row["id"]), _plain),
    "human_task_vote": (lambda row: vote_context(row["task_id"], row["person"]), _plain),
    "human_task_event": (lambda row: event_context(row["task_id"], row["id"]), _text),
    "notification": (lambda row: words_context(row["id"]), _plain),
    "incident": (lambda row: incident_context(row["id"]), _plain),
    "review_label": (lambda row: label_context(row["item_id"], row["reviewer"]), _label),
    "semantic_entry": (lambda row: entry_context(row["id"]), _entry),
    "workflow_run": (lambda row: run_context(row["id"], BEGIN), _plain),
    "workflow_step": (
        lambda row: step_context(row["run_id"], row["node"], row["name"]),
        _plain,
    ),
    "workflow_message": (lambda row: message_context(row["run_id"], row["id"]), _plain),
    "subject_export": (lambda row: export_context(row["id"]), _text),
}
"""By table: what its sealed column is bound to, and how it is read."""

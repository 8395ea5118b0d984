"""The books of native batches: every line once, whatever the clock does; on both databases."""

from typing import Any

from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.principal import Principal
from legato.core.tenant import EVERY_TENANT
from legato.core.usage import Usage, UsageSource
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.limits.leases import LeaseStore
from legato.storage.runs.batches import BatchRecord
from legato.workflows.native_books import Account, NativeBooks, Outcome
from legato.workflows.native_lane import Lane, Prepared

NOTHING: Any = None
RECORD = BatchRecord(
    org="o", id="batch_" + "a" * 32, key_id="k", endpoint="/v1/chat/completions",
    input_file_id="f", output_file_id="", error_file_id="", status="in_progress",
    created_at_ns=1, expires_at_ns=2, sealed=b"",
)  # fmt: skip
LANE = Lane(
    alias="chat", route="chat", deployment="small", provider_name="p", model="m", region="",
    max_output_tokens=10, image_tokens=0, context_tokens=0, price=None, baseline="small",
    baseline_price=None, drop_unsupported=False, renames=False, surface=NOTHING, connect=NOTHING,
)  # fmt: skip
ACCOUNT = Account(RECORD, LANE, Principal("k", "k", "o", "t", "f", models=frozenset({"*"})), {})


def outcomes(*numbers: int) -> list[tuple[Prepared, str, Outcome]]:
    used = Outcome(Usage(in_uncached=1, out_text=1), UsageSource.PROVIDER, "ok", 200)
    prepared = [Prepared(number, NOTHING, NOTHING, b"", None, used.usage) for number in numbers]
    return [(one, "", used) for one in prepared]


def entered(engine: Engine) -> list[str]:
    rows = EntryReader(engine, EVERY_TENANT).tail(100)
    return sorted(str(row["request_id"]).rpartition("-")[2] for row in rows)


def test_lines_are_entered_though_the_clock_went_back(engine: Engine, clock: ManualClock) -> None:
    ledger = Ledger(engine, clock)
    books = NativeBooks(LeaseStore(engine), ledger, clock, config_version="c")
    books.enter(ACCOUNT, outcomes(0, 1))
    clock.advance(-60)
    books.enter(ACCOUNT, outcomes(2))
    books.enter(ACCOUNT, outcomes(1, 2))  # a step that is done again
    assert entered(engine) == ["0", "1", "2"]
    books.release(RECORD.id)
    assert ledger.offsets() == {}

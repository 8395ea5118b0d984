"""What the examples' workflows have done in the world: a small office, kept in one SQLite file.

Effects are kept under the idempotency key that each call brings, so doing one again changes
nothing. The file is the one that `OFFICE` names.
"""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from typing import Any

CUSTOMERS = {
    "c-100": {"name": "Ada Winter", "since": 2019, "country": "DE", "plan": "pro"},
    "c-200": {"name": "Bela Sommer", "since": 2024, "country": "AT", "plan": "free"},
}
SANCTIONED = {"Viktor Drago", "Blue Harbor Trading"}
POLICIES = {
    "p-1": {"holder": "c-100", "covers": ["water", "fire"], "excess": 150.0, "limit": 20_000.0},
    "p-2": {"holder": "c-200", "covers": ["theft"], "excess": 300.0, "limit": 5_000.0},
}


def customer(number: str) -> dict[str, Any]:
    """Look a customer up."""
    found = CUSTOMERS.get(number)
    return {"found": False} if found is None else {"found": True, "id": number, **found}


def refund(customer: str, amount: float, idempotency_key: str) -> dict[str, Any]:
    """Pay an amount back to a customer."""
    return _once(idempotency_key, "refund", lambda: {"customer": customer, "amount": amount})


def sanctioned(name: str) -> dict[str, Any]:
    """Look a name up in the list of sanctions."""
    return {"hit": name in SANCTIONED, "list": "made up for this example"}


def address_known(street: str, city: str) -> dict[str, Any]:
    """Whether a register knows an address."""
    return {"known": bool(street.strip()) and city in {"Wien", "Berlin", "Graz"}}


def policy(number: str) -> dict[str, Any]:
    """Look an insurance policy up."""
    found = POLICIES.get(number)
    return {"found": False} if found is None else {"found": True, **found}


def pay_claim(policy: str, amount: float, idempotency_key: str) -> dict[str, Any]:
    """Pay a claim."""
    return _once(idempotency_key, "claim", lambda: {"policy": policy, "amount": amount})


def order_part(machine: str, part: str, idempotency_key: str) -> dict[str, Any]:
    """Order a spare part."""
    what = {"machine": machine, "part": part, "arrives": "2026-12-01"}
    return _once(idempotency_key, "order", lambda: what)


def schedule_technician(machine: str, after: str, idempotency_key: str) -> dict[str, Any]:
    """Have a technician come the day after the part has arrived."""
    day = (date.fromisoformat(after) + timedelta(days=1)).isoformat()
    return _once(idempotency_key, "visit", lambda: {"machine": machine, "day": day})


def last_night(rows: int = 10_000) -> list[dict[str, Any]]:
    """The comments that came in last night."""
    moods = ("Thank you, it works.", "It broke on the first day.", "When does it come?")
    return [{"id": number, "text": f"{moods[number % 3]} ({number})"} for number in range(rows)]


def effects(kind: str = "") -> list[dict[str, Any]]:
    """What was done so far: each once, however often it was asked for."""
    with closing(_open()) as office:
        told = office.execute("SELECT kind, what, asked FROM effect ORDER BY rowid").fetchall()
    return [
        {"kind": one, "asked": asked, **json.loads(what)}
        for one, what, asked in told
        if kind in {"", one}
    ]


def _once(key: str, kind: str, what: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    done = json.dumps(what(), sort_keys=True)
    with closing(_open()) as office, office:
        office.execute(
            "INSERT INTO effect (key, kind, what) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET asked = asked + 1",
            (key, kind, done),
        )
        (kept,) = office.execute("SELECT what FROM effect WHERE key = ?", (key,)).fetchone()
    return {"done": kind, **json.loads(kept)}


def _open() -> sqlite3.Connection:
    office = sqlite3.connect(os.environ.get("OFFICE", "office.db"), timeout=30)
    office.execute("PRAGMA journal_mode = WAL")
    office.execute(
        "CREATE TABLE IF NOT EXISTS effect"
        " (key TEXT PRIMARY KEY, kind TEXT, what TEXT, asked INTEGER DEFAULT 1)"
    )
    return office

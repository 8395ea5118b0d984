"""The demo's folder, made by an older Legato."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

import legato.storage
from legato.app.desks.stored_data import stored_data
from legato.cli.demo.place import make_keys, prepare_folder
from legato.cli.demo.premium import SIMULATED
from legato.storage.database.engine import open_engine

if TYPE_CHECKING:
    from pathlib import Path

FIRST_SCHEMA = "0001"


def older_database(url: str) -> None:
    """Make the tables of the first schema, as the Legato of then did."""
    (package,) = legato.storage.__path__
    config = Config()
    config.set_main_option("script_location", f"{package}/migrations")
    engine = open_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST_SCHEMA)
    engine.dispose()


def test_a_demo_goes_on_in_a_folder_of_an_older_legato(tmp_path: Path) -> None:
    instance = prepare_folder(tmp_path / "demo-data", SIMULATED, 0)
    older_database(instance.database_url)
    keys = make_keys(instance, [("support", "answers")])
    assert keys.yours
    with stored_data(instance) as stored:
        assert len(stored.keys().list()) == 2

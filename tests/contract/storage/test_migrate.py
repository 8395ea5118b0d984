import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

import legato.storage.migrate as migrate_module
from legato.core.errors import OperatorError
from legato.storage.creation import create_schema
from legato.storage.migrate import SchemaStatus, check, state, upgrade
from legato.storage.tables import schema

NOW = schema.SCHEMA_VERSION


@pytest.fixture
def engine(empty: Engine) -> Engine:
    """One of its own for each test: they damage it."""
    upgrade(empty)
    return empty


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_an_empty_database_is_named_and_created(empty: Engine) -> None:
    with pytest.raises(OperatorError, match=r"legato up"):
        check(empty)
    upgrade(empty)
    check(empty)
    assert state(empty).version == schema.SCHEMA_VERSION


def test_the_migrations_make_exactly_the_schema(empty: Engine) -> None:
    upgrade(empty, step_by_step=True)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_what_is_created_at_once_is_what_the_migrations_make(
    empty: Engine, another_empty: Engine
) -> None:
    upgrade(empty, step_by_step=True)
    upgrade(another_empty)
    step_by_step, at_once = facts(empty), facts(another_empty)
    assert at_once.keys() == step_by_step.keys()
    for table, said in step_by_step.items():
        assert at_once[table] == said, table


def facts(engine: Engine) -> dict[str, list[str]]:
    """Return all that the database says of its tables but the order of their columns."""
    looked, found = inspect(engine), {}
    for table in looked.get_table_names():
        columns = [
            f"{c['name']} {c['type']!r} {c['type']} {c['nullable']} {c['default']}"
            for c in looked.get_columns(table)
        ]
        of_table = [
            looked.get_pk_constraint(table),
            *looked.get_foreign_keys(table),
            *looked.get_unique_constraints(table),
            *looked.get_check_constraints(table),
        ]
        found[table] = sorted([*columns, *map(str, of_table), *definitions(engine, table)])
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
        found["alembic_version"].extend(version)
    return found


def definitions(engine: Engine, table: str) -> list[str]:
    """Return what the database keeps of a table's indexes, and of whether its rows have ids."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            asked = (
                "SELECT coalesce(sql, name) FROM sqlite_master WHERE type='index' AND tbl_name=:t"
            )
            indexes = connection.execute(text(asked), {"t": table}).scalars().all()
            listed = connection.execute(text(f"PRAGMA table_list('{table}')")).one()
            return [*indexes, f"without ids: {listed.wr}, strict: {listed.strict}"]
        asked = (
            "SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes "
            "WHERE schemaname = current_schema() AND tablename = :t"
        )
        return list(connection.execute(text(asked), {"t": table}).scalars())


def test_the_constant_is_the_newest_revision(engine: Engine) -> None:
    config = Config()
    folder = migrate_module.__file__.replace("migrate.py", "migrations")
    config.set_main_option("script_location", folder)
    assert ScriptDirectory.from_config(config).get_current_head() == schema.SCHEMA_VERSION


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    run(engine, "INSERT INTO store_version (name, version) VALUES ('keys', 7)")
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version FROM store_version")).scalar() == 7


def test_a_newer_schema_is_refused_with_both_versions(engine: Engine) -> None:
    run(engine, "UPDATE alembic_version SET version_num = '0900'")
    for function in (check, upgrade):
        with pytest.raises(OperatorError, match=rf"0900.*{NOW}"):
            function(engine)


def test_a_cut_off_upgrade_is_refused_and_names_the_copy(engine: Engine) -> None:
    run(engine, "UPDATE alembic_version SET version_num = '0000'")
    run(engine, "INSERT INTO migration_marker VALUES ('0001', '0000', 'legato.db.bak')")
    for function in (check, upgrade):
        with pytest.raises(OperatorError, match=r"cut off; put legato.db.bak in its place"):
            function(engine)


def test_a_missing_table_is_refused(engine: Engine) -> None:
    run(engine, "DROP TABLE trace_block")
    for function in (check, upgrade):
        with pytest.raises(OperatorError, match=r"trace_block is missing"):
            function(engine)


def test_tables_without_a_version_are_refused(engine: Engine) -> None:
    run(engine, "DROP TABLE alembic_version")
    with pytest.raises(OperatorError, match=r"no schema version"):
        upgrade(engine)


def test_an_older_schema_is_copied_then_upgraded(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No next revision exists yet: what Alembic would do is stood in for.
    monkeypatch.setattr(migrate_module, "SCHEMA_VERSION", "0900")
    monkeypatch.setattr(
        migrate_module,
        "_run_alembic",
        lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0900'")),
    )
    with pytest.raises(OperatorError, match=rf"schema {NOW}.*needs 0900"):
        check(engine)
    upgrade(engine)
    assert state(engine).status is SchemaStatus.CURRENT
    if engine.dialect.name == "sqlite":
        copy = f"{engine.url.database}.before-0900.bak"
        copied = sqlite3.connect(copy)
        assert copied.execute("SELECT version_num FROM alembic_version").fetchone() == (NOW,)
        assert migrate_module.Path(copy).stat().st_mode & 0o777 == 0o600
        copied.close()


def test_a_failed_migration_leaves_an_empty_database_empty(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_late(connection: object) -> None:
        run_alembic(connection)
        raise RuntimeError

    run_alembic = migrate_module._run_alembic
    with monkeypatch.context() as patch:
        patch.setattr(migrate_module, "_run_alembic", fails_late)
        with pytest.raises(RuntimeError):
            upgrade(empty, step_by_step=True)
    assert inspect(empty).get_table_names() == []
    upgrade(empty)
    check(empty)


def test_a_creation_that_fails_leaves_an_empty_database_empty(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_late(connection: Connection) -> None:
        create_schema(connection)
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(migrate_module, "create_schema", fails_late)
        with pytest.raises(RuntimeError):
            upgrade(empty)
    assert inspect(empty).get_table_names() == []
    upgrade(empty)
    check(empty)

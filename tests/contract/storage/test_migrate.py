import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import legato.storage.migrate as migrate_module
from legato.core.errors import OperatorError
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


def test_the_migrations_make_exactly_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


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
        copied = migrate_module.sqlite3.connect(copy)
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
            upgrade(empty)
    assert inspect(empty).get_table_names() == []
    upgrade(empty)
    check(empty)

"""Run by Alembic: migrates over the connection that `legato.storage.migrate` opened."""  # noqa: INP001 (its folder)

from alembic import context

from legato.storage.tables.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()

"""The table of trained routers' predictors, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table

from legato.storage.tables.columns import metadata, number_column, text_column

# A version of the registry names one by its digest; a predictor is too long to be a version.
router_model: Final = Table(
    "router_model",
    metadata,
    text_column("org"),
    text_column("digest"),
    Column("sealed", LargeBinary, nullable=False),  # evaluation.routing.kept.Kept
    number_column("questions"),
    number_column("erased"),  # of the questions
    number_column("created_at_ns"),
    PrimaryKeyConstraint("org", "digest"),
)

ROUTER_TABLES: Final = frozenset({router_model.name})

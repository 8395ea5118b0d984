"""What tables are made of, and the one place that knows them all."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

metadata: Final = MetaData()

# SQLite numbers rows by itself only where the type is exactly INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


# Ids are compared byte by byte on both: `newest_ids` relies on one order of theirs.
Id = Text().with_variant(Text(collation="C"), "postgresql")


def text_column(name: str) -> Column[str]:
    """A text that is always there, "" for none."""
    return Column(name, Text, nullable=False)


def number_column(name: str, *, nullable: bool = False) -> Column[int]:
    """A number of 64 bits."""
    return Column(name, BigInteger, nullable=nullable)


def origin_column(name: str) -> Column[str]:
    """Where content comes from; "" where that isn't known, as of rows of earlier versions."""
    return Column(name, Text, nullable=False, server_default="")

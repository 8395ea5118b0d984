"""A report's figures as one table: CSV, or Parquet where the extra is there."""

import csv
from io import BytesIO, StringIO

from legato.core.errors import OperatorError
from legato.reporting.cfo import CfoReport
from legato.reporting.listing import COLUMNS, rows_of


def as_csv(report: CfoReport) -> bytes:
    """Return a row for each figure, all of them texts, under their columns' names."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows_of(report))
    return text.getvalue().encode()


def as_parquet(report: CfoReport) -> bytes:
    """Return the same as Parquet. Raises OperatorError without the extra."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise OperatorError("Parquet needs an extra: pip install 'legato[parquet]'") from None
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in rows_of(report)]
    output = BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), output)
    return output.getvalue()

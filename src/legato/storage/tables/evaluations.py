"""The tables of data sets and evaluations, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    false,
)

from legato.storage.tables.columns import Id, metadata, number_column, origin_column, text_column

# The cases of a data set, some hundred to a sealed block. A version of the registry names them by
# the digest of their content; a set of 100,000 cases would be too long to be one version.
dataset_block: Final = Table(
    "dataset_block",
    metadata,
    text_column("org"),
    text_column("cases_digest"),
    number_column("number"),
    number_column("cases"),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False, server_default="0"),
    Column("erased", BigInteger, nullable=False, server_default="0"),  # of the cases
    # whether they are from captured requests
    Column("traffic", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("org", "cases_digest", "number"),
)

evaluation: Final = Table(
    "evaluation",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("key_id"),  # for which it acts
    text_column("author"),
    text_column("name"),
    text_column("status"),  # waiting, running, done, cancelled, failed, capped
    text_column("told"),  # why it ended so
    Column("sealed", LargeBinary, nullable=False),  # evaluation.plans.Plan
    number_column("answers"),  # how many there are to be
    number_column("done"),
    number_column("failed"),
    number_column("cost"),  # nano-USD of what is recorded
    number_column("cost_max", nullable=True),
    number_column("round"),  # counts resumptions
    number_column("created_at_ns"),
    Column("ended_at_ns", BigInteger, nullable=True, index=True),
    PrimaryKeyConstraint("org", "id"),
    Index("evaluation_status", "status"),
)

# One answer to one case by one subject, once recorded never changed.
evaluation_answer: Final = Table(
    "evaluation_answer",
    metadata,
    text_column("org"),
    Column("evaluation_id", Id, nullable=False),
    Column("case_number", Integer, nullable=False),
    Column("subject", Integer, nullable=False),
    Column("repetition", Integer, nullable=False),
    text_column("case_id"),
    Column("weight", Double, nullable=False),
    Column("request_id", Id, nullable=False),
    text_column("error"),  # "" where an answer came
    number_column("cost", nullable=True),  # nano-USD
    number_column("scoring_cost", nullable=True),
    number_column("latency_us"),
    text_column("scores"),  # JSON: value by scorer, null where it couldn't judge
    Column("scored", Boolean, nullable=False),  # whether every scorer could
    Column(
        "sealed", LargeBinary, nullable=False
    ),  # the answer, and each score with its reason; empty once erased
    number_column("at_ns"),
    origin_column("origin_request"),
    origin_column("origin_user"),
    PrimaryKeyConstraint("org", "evaluation_id", "case_number", "subject", "repetition"),
)

EVALUATION_TABLES: Final = frozenset({dataset_block.name, evaluation.name, evaluation_answer.name})

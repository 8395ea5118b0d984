"""The tables of what people are asked by workflows, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, text

from legato.storage.tables.columns import Id, metadata, number_column, origin_column, text_column

# What somebody is asked. One for each place of a run that asks: so it is made once, however often
# the step that makes it is done.
human_task: Final = Table(
    "human_task",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("team"),
    text_column("feature"),
    text_column("workflow"),
    text_column("run_id"),
    text_column("path"),  # the node within its run, and what of it asks
    text_column("ask"),  # approve, edit, choose, form
    text_column("state"),  # open, decided, expired, withdrawn
    text_column("port"),  # at which it ended, "" while it is open
    Column("approvals_needed", Integer, nullable=False),
    text_column("excluded"),  # JSON array: ids and names of people who may not decide it
    text_column("not_by"),  # JSON array: paths of the run whose deciders may not decide it
    number_column("created_at_ns"),
    number_column("deadline_ns", nullable=True),
    number_column("ended_at_ns", nullable=True),
    Column("sealed", LargeBinary, nullable=False),  # b"" once it was erased
    origin_column("origin_user"),
    PrimaryKeyConstraint("org", "id"),
    Index("human_task_once", "org", "run_id", "path", unique=True),
    Index("human_task_open", "org", "id", sqlite_where=text("state = 'open'")),
)

# Who is asked, and since when: at first, by escalation, by delegation.
human_task_assignee: Final = Table(
    "human_task_assignee",
    metadata,
    text_column("org"),
    Column("task_id", Id, nullable=False),
    text_column("kind"),  # account, role, team, delegate, anybody
    text_column("name"),
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "task_id", "kind", "name"),
    Index("human_task_assignee_whose", "org", "kind", "name"),
)

# What somebody said; said anew, it takes the place of what they said before.
human_task_vote: Final = Table(
    "human_task_vote",
    metadata,
    text_column("org"),
    Column("task_id", Id, nullable=False),
    text_column("person"),
    text_column("verdict"),
    text_column("port"),
    text_column("digest"),  # of the data, "" without
    text_column("via"),  # api, cli, link, page
    Column("sealed", LargeBinary, nullable=False),  # data and comment
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "task_id", "person"),
)

# What else was done with it, in order.
human_task_event: Final = Table(
    "human_task_event",
    metadata,
    text_column("org"),
    Column("task_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    text_column("what"),  # comment, delegate, remind, escalate
    text_column("person"),
    text_column("whom"),
    Column("sealed", LargeBinary, nullable=False),  # a comment, b"" for none
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "task_id", "id"),
)

# Links that let one person decide one task once. The token itself is kept nowhere.
human_task_link: Final = Table(
    "human_task_link",
    metadata,
    text_column("org"),
    Column("digest", LargeBinary, nullable=False),
    Column("task_id", Id, nullable=False),
    text_column("person"),
    number_column("expires_at_ns"),
    number_column("used_at_ns", nullable=True),
    PrimaryKeyConstraint("digest"),
    Index("human_task_link_of", "org", "task_id"),
)

HUMAN_TASK_TABLES: Final = frozenset(
    {
        human_task.name,
        human_task_assignee.name,
        human_task_vote.name,
        human_task_event.name,
        human_task_link.name,
    }
)

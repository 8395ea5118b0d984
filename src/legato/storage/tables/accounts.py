"""The tables of people and machines that sign in, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from legato.storage.tables.columns import Id, metadata, number_column, origin_column, text_column

# `login` is the e-mail address in lower case of a person, `service:ORG/NAME` of a machine,
# `erased:ID` of somebody who was forgotten. `external` is the provider and a digest of its name
# for the person. `pseudonym` is the one of the e-mail address, by which an erasure finds it.
account: Final = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("org"),
    text_column("kind"),  # person, service
    Column("login", Text, nullable=False, unique=True),
    Column("external", Text, nullable=True, unique=True),
    text_column("email"),
    text_column("name"),
    text_column("pseudonym"),
    text_column("password"),  # an argon2id hash in its standard form, "" for none
    text_column("state"),  # invited, active, disabled, erased
    number_column("created_at_ns"),
    number_column("signed_in_at_ns", nullable=True),
    origin_column("vouched_by"),  # who gave its person the password: operator, key:ID, account:ID
    Index("account_of_org", "org", "id"),
)

# `digest` is of the token that the browser holds; the token itself is nowhere.
account_session: Final = Table(
    "account_session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    text_column("org"),
    Column("account_id", Id, nullable=False, index=True),
    number_column("created_at_ns"),
    number_column("used_at_ns"),
    number_column("ends_at_ns"),
    text_column("address"),
    text_column("agent"),
    text_column("provider"),  # "" for a password
    Column("sealed", LargeBinary, nullable=False),  # what a sign-out at the provider needs
)

account_token: Final = Table(
    "account_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    text_column("org"),
    Column("account_id", Id, nullable=False, index=True),
    text_column("name"),
    text_column("permissions"),  # JSON; [] for all that the account may
    number_column("created_at_ns"),
    number_column("expires_at_ns"),
    number_column("used_at_ns", nullable=True),
    number_column("revoked_at_ns", nullable=True),
)

# A token for one use, with which a person chooses a password.
account_invitation: Final = Table(
    "account_invitation",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    text_column("org"),
    Column("account_id", Id, nullable=False, index=True),
    number_column("expires_at_ns"),
    origin_column("vouched_by"),
)

# How often a sign-in failed lately. `name` is a keyed digest: of a login, an address, or both.
sign_in_delay: Final = Table(
    "sign_in_delay",
    metadata,
    Column("name", Text, primary_key=True),
    number_column("failures"),
    number_column("failed_at_ns"),
    number_column("until_ns"),
)

# A sign-in that waits for the person to come back from a provider; `sealed` is what it must match.
sign_in_flow: Final = Table(
    "sign_in_flow",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    number_column("expires_at_ns"),
    Column("sealed", LargeBinary, nullable=False),
)

ACCOUNT_TABLES: Final = frozenset(
    {
        account.name,
        account_session.name,
        account_token.name,
        account_invitation.name,
        sign_in_delay.name,
        sign_in_flow.name,
    }
)

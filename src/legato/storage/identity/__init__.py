"""People and machines that sign in: accounts, sessions, tokens."""

"""The only SQL on our own tables. SQLite and PostgreSQL are twins under one contract suite."""

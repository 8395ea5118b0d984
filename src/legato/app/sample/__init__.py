"""Sample data: a small invented company in a database of its own, never beside real rows."""

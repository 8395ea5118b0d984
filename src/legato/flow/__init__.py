"""Workflow definitions: their types, checks and expressions, and which node comes next. No I/O."""

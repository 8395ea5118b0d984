"""Connections, the two dialects, and whose rows a statement may meet."""

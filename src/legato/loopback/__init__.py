"""Calls of this gateway by its own processes, over its own socket."""

"""The resources of the control API, one noun per file."""

"""The `legato` command. Modules here import little: help and completion must come at once."""

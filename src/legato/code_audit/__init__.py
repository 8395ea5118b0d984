"""Where a source tree calls models: found by parsing, never by running anything of it."""

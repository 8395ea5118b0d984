"""Keys and encryption: one master key on disk, everything else derived from it."""

"""What begins runs by itself."""

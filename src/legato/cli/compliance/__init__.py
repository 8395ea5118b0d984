"""`legato compliance`."""

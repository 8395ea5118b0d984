"""The books of organisations: their calendars, closed periods, corrections by hand."""

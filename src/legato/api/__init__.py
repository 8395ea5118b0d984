"""What callers speak to: one folder per dialect."""

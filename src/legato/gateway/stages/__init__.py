"""The leaves of the pipeline: each does one thing and knows no other."""

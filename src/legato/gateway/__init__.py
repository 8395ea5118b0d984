"""The request path. Read pipeline.py first."""

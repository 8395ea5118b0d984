"""Content that is kept sealed: captures, responses, files, cache entries."""

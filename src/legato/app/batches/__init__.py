"""The process that runs batches and evaluations, and what it needs."""

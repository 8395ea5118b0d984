"""Metrics, traces and logs: the only place that sets them up."""

"""Runs of workflows: what moves them, what their nodes are given, who looks after them."""

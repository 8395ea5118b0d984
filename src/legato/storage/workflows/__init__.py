"""Runs of workflows: kept, fed with messages, moved under a fence, looked after."""

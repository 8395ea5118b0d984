"""A deterministic model server for trials, demonstrations and load: marked, never a default.

Speaks OpenAI's and Anthropic's dialects over real HTTP and keeps its own book of calls.
"""

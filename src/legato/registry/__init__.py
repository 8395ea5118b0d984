"""Versioned objects as the request path needs them: prompts, compiled from their templates."""

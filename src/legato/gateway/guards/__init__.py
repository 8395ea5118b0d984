"""Guardrails on the request path: what is done before a model is asked, and with its answer."""

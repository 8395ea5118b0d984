"""The control API: REST over what people manage, in a process of its own (ADR 6)."""

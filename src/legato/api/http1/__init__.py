"""The listener of the data plane: HTTP/1.1 on httptools, as little as a gateway needs.

Measured against a general ASGI server: see docs/adr/0006-data-plane-listener.md.
"""

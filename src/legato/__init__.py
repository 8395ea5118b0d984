"""Legato: an AI orchestration control plane that makes AI spend accountable."""

from legato.core import struct_types

__version__ = "0.1.0"

struct_types.install()

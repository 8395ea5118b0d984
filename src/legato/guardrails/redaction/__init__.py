"""Reversible redaction: what stands for values in a request, and puts them back into its answer."""

from legato.guardrails.redaction.redaction import Marked, Redaction
from legato.guardrails.redaction.restorer import Restorer
from legato.guardrails.redaction.spans import Span, spans

__all__ = ["Marked", "Redaction", "Restorer", "Span", "spans"]

"""What becomes of the data sent to well-known vendors, as their terms say by default.

As of 2026-11-21: developers.openai.com/docs/guides/your-data (abuse monitoring logs are kept for
up to 30 days); privacy.claude.com, article 7996875 (no training on what comes by the API). Its
retention is left open: what was found about it is not Anthropic's own word. Contracts differ
(zero retention, regional endpoints, opt-outs): the configuration's word goes over all of it.
What isn't given is unknown.
"""

from collections.abc import Mapping
from types import MappingProxyType

from legato.core.config import DataUse

AS_OF = "2026-11-21"

KNOWN_TERMS: Mapping[str, DataUse] = MappingProxyType(
    {
        "api.openai.com": DataUse(training=False, retention_days=30),
        "api.anthropic.com": DataUse(training=False),
    }
)

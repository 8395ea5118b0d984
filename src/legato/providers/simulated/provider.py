"""The provider kind `simulated`: OpenAI's dialect towards a simulated server."""

from legato.core.clock import SystemClock
from legato.providers.base import ProviderSettings
from legato.providers.openai_compatible.presets import Preset
from legato.providers.openai_compatible.provider import OpenAICompatible


def factory(settings: ProviderSettings) -> OpenAICompatible:
    """Build the provider; its `settings` are the server's, read where that is started."""
    return OpenAICompatible(settings, Preset(), SystemClock())

"""Which provider kinds are installed."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

ENTRY_POINT_GROUP = "legato.providers"
BUILT_IN = frozenset(
    {
        "anthropic",
        "azure_openai",
        "bedrock",
        "cohere",
        "gemini",
        "local",
        "openai_compatible",
        "simulated",
        "vertex",
    }
)


@cache
def plugin_kinds() -> MappingProxyType[str, EntryPoint]:
    """Return the kinds that packages register, ours too, by name; nothing is imported.

    To find them the files of every installed package are read, for some 15 ms.
    """
    found = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    return MappingProxyType(found)


def provider_kinds() -> frozenset[str]:
    """Return every kind a configuration may name."""
    return BUILT_IN | plugin_kinds().keys()

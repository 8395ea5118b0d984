"""The labels that policies name, and groups of them."""

from collections.abc import Collection, Iterable
from types import MappingProxyType
from typing import Final

CUSTOM: Final = "CUSTOM:"
"""Begins the labels of a policy's own patterns and dictionaries."""
TOPIC: Final = "TOPIC:"
"""Begins the labels of a policy's own topics."""
OFF_TOPIC: Final = "OFF_TOPIC"
"""What is about none of the topics that are allowed."""
GROUPS: Final = MappingProxyType(
    {
        "personal": frozenset(
            {
                "CREDIT_CARD",
                "CRYPTO_ADDRESS",
                "DATE_OF_BIRTH",
                "EMAIL_ADDRESS",
                "IBAN_CODE",
                "ID_NUMBER",
                "IP_ADDRESS",
                "MAC_ADDRESS",
                "PHONE_NUMBER",
                "US_SSN",
            }
        ),
        "names": frozenset({"LOCATION", "ORGANIZATION", "PERSON"}),
        "secrets": frozenset({"SECRET", "URL_CREDENTIALS"}),
        "injection": frozenset({"INJECTION"}),
    }
)
LABELS: Final = frozenset({"TOPIC", "TOXICITY"}).union(*GROUPS.values())


def labels_of(named: Iterable[str]) -> frozenset[str]:
    """Return the labels that names of labels and groups stand for."""
    return frozenset[str]().union(*(GROUPS.get(one, frozenset({one})) for one in named))


def unknown_labels(named: Iterable[str], own: Collection[str] = ()) -> list[str]:
    """Return the names that are no label, no group and none of the `own` detectors' labels."""
    return [one for one in named if not (one in GROUPS or one in LABELS or one in own)]

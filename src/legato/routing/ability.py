"""What a deployment can do: the operator's word over the packaged catalogue's."""

import re
from typing import TypeVar

from msgspec.structs import replace

from legato.core import capability
from legato.core.capability import NEEDS, UNKNOWN_ABILITY, Ability
from legato.core.config import Capabilities, DataUse, Deployment
from legato.routing.known_models import KNOWN_MODELS
from legato.routing.known_terms import KNOWN_TERMS

OWN_KINDS = frozenset({"local", "simulated"})
"""Kinds that run a model here, whatever name it carries: no vendor's facts hold for them."""
# A release of the same model: -20251001, -2025-10-01, -latest, -0613, -v2:0, -2411.
_RELEASE = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d|\d\d-20\d\d|\d{4}|latest|v\d+(?::\d+)?)$")

_Facts = TypeVar("_Facts", Capabilities, DataUse)


def known_name(model: str) -> str:
    """Return the name the catalogue would have a model under: no vendor prefix, no release."""
    name = model.lower().rpartition("/")[2]
    if name in KNOWN_MODELS:
        return name
    while (shorter := _RELEASE.sub("", name)) != name:
        name = shorter
    return name


def capabilities_in_force(deployment: Deployment, kind: str) -> Capabilities:
    """Return what is known of a deployment's model, field by field."""
    given = deployment.capabilities
    known = Capabilities() if kind in OWN_KINDS else KNOWN_MODELS.get(known_name(deployment.model))
    if known is None or known == Capabilities():
        return given
    return _laid_over(known, given)


def data_use_in_force(deployment: Deployment, kind: str, host: str) -> DataUse:
    """Return what becomes of the data sent to a deployment, field by field."""
    if kind in OWN_KINDS:
        return _laid_over(DataUse(training=False, retention_days=0), deployment.data_use)
    known = KNOWN_TERMS.get(host)
    given = deployment.data_use
    return given if known is None else _laid_over(known, given)


def ability_of(capabilities: Capabilities) -> Ability:
    """Return what the router asks for; what is unknown lacks nothing."""
    if capabilities == Capabilities():
        return UNKNOWN_ABILITY
    lacks = 0
    for bit, words in NEEDS.items():
        if getattr(capabilities, words.setting, None) is False:
            lacks |= bit
    modalities = capabilities.modalities_in
    if modalities is not None:
        if "audio" not in modalities:
            lacks |= capability.AUDIO
        if "file" not in modalities:
            lacks |= capability.DOCUMENTS
        if "image" not in modalities and capabilities.vision is None:
            lacks |= capability.VISION
    return Ability(lacks, capabilities.context_tokens or 0, capabilities.output_tokens_max or 0)


def _laid_over(known: _Facts, given: _Facts) -> _Facts:
    """Return `given` with `known` where it is silent; both are of one struct."""
    said = {
        name: value
        for name in given.__struct_fields__
        if (value := getattr(given, name)) is not None
    }
    return replace(known, **said)

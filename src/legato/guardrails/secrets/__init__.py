"""Detectors of secrets: what vendors made recognisable, and what a name gives away."""

from legato.guardrails.secrets.assignments import Assignments
from legato.guardrails.secrets.urls import UrlCredentials
from legato.guardrails.secrets.vendors import PrivateKeys, VendorKeys
from legato.guardrails.spans import Family


def families() -> tuple[Family, ...]:
    """Build them all; compiling their patterns takes some milliseconds."""
    return (PrivateKeys(), VendorKeys(), UrlCredentials(), Assignments())

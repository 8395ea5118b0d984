"""Detectors of personal data, each with what proves a find: check digits, ranges, words nearby."""

from legato.guardrails.personal.births import Births
from legato.guardrails.personal.cards import Cards
from legato.guardrails.personal.coins import Coins
from legato.guardrails.personal.documents import Documents
from legato.guardrails.personal.emails import Emails
from legato.guardrails.personal.ibans import Ibans
from legato.guardrails.personal.identity_numbers import IdentityNumbers
from legato.guardrails.personal.networks import Networks
from legato.guardrails.personal.phones import Phones
from legato.guardrails.personal.social_security import SocialSecurity
from legato.guardrails.spans import Family


def families() -> tuple[Family, ...]:
    """Build them all; compiling their patterns takes some milliseconds."""
    return (
        Emails(),
        Networks(),
        Cards(),
        Ibans(),
        SocialSecurity(),
        IdentityNumbers(),
        Phones(),
        Documents(),
        Births(),
        Coins(),
    )

"""How long the trail of a referral is kept after its end, by what its source is (domain.md §7.5). Pure."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from broker.domain.pack import VICTIM_SERVICE_PROVIDERS
from broker.schemas.code_list import CodeList
from broker.schemas.consent_vocabulary import Regime
from broker.schemas.vocabulary import OrgClass


class KeptBy(CodeList):
    """By which rule something is kept."""

    VICTIM_SERVICES = "VICTIM_SERVICES"
    HIPAA = "HIPAA"
    OTHERS = "OTHERS"


class Schedule(NamedTuple):
    """So many days after a referral's end, and by which rule."""

    days: int
    rule: KeptBy


def schedule_of(source: OrgClass, regimes: Collection[str], days: Mapping[str, int]) -> Schedule:
    """The schedule for a source's referrals. `regimes` are what the policy pack holds it to, `days` are each rule's.

    A victim service provider's is the shortest whatever else it is held to: what is not there cannot be demanded.
    """
    if source in VICTIM_SERVICE_PROVIDERS:
        rule = KeptBy.VICTIM_SERVICES
    else:
        rule = KeptBy.HIPAA if Regime.HIPAA_AUTH in regimes else KeptBy.OTHERS
    return Schedule(days[rule], rule)

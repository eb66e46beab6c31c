"""How long the trail of a referral is kept after its end, by what its source is (domain.md §7.5). Pure."""

from collections.abc import Collection
from typing import Final, NamedTuple

from broker import limits
from broker.domain.pack import VICTIM_SERVICE_PROVIDERS
from broker.schemas.consent_vocabulary import Regime
from broker.schemas.vocabulary import OrgClass


class Schedule(NamedTuple):
    """So many days after a referral's end, and by which rule."""

    days: int
    rule: str


_VICTIM_SERVICES: Final = Schedule(limits.trail_days_victim_services, "VICTIM_SERVICES")
_HIPAA: Final = Schedule(limits.trail_days_hipaa, "HIPAA")
_OTHERS: Final = Schedule(limits.trail_days_others, "OTHERS")


def schedule_of(source: OrgClass, regimes: Collection[str]) -> Schedule:
    """The schedule for a source's referrals. `regimes` are what the policy pack holds it to.

    A victim service provider's is the shortest whatever else it is held to: what is not there cannot be demanded.
    """
    if source in VICTIM_SERVICE_PROVIDERS:
        return _VICTIM_SERVICES
    return _HIPAA if Regime.HIPAA_AUTH in regimes else _OTHERS

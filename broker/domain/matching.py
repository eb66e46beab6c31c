"""Who is asked first: hard facts of the service only, never anything about the survivor, and every choice explained.

Filters, then freshness and places, then fairness among equals (domain.md §11). The order is the same whenever the
question is the same: between equals a fixed shuffle by referral decides, so that no provider is always first.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from broker.domain.pack import PolicyPack
from broker.domain.question import Decision, Effect
from broker.schemas.code_list import CodeList
from broker.schemas.ids import OrgId, ReferralId
from broker.schemas.vocabulary import CapacityBucket, OrgClass, Priority, RecipientCategory, Service


class PassedOver(CodeList):
    """Why a candidate was not chosen."""

    INACTIVE = "INACTIVE"
    OTHER_KIND = "OTHER_KIND"
    ALREADY_ASKED = "ALREADY_ASKED"
    SERVICE_NOT_OFFERED = "SERVICE_NOT_OFFERED"
    NOT_ELIGIBLE_AREA = "NOT_ELIGIBLE_AREA"
    CANNOT_ACCOMMODATE_ACCESS = "CANNOT_ACCOMMODATE_ACCESS"
    CANNOT_ACCOMMODATE_PET = "CANNOT_ACCOMMODATE_PET"
    LANGUAGE_UNAVAILABLE = "LANGUAGE_UNAVAILABLE"
    HOUSEHOLD_TOO_LARGE = "HOUSEHOLD_TOO_LARGE"
    NO_CAPACITY = "NO_CAPACITY"
    CONSENT = "CONSENT"
    CONSENT_LIMIT = "CONSENT_LIMIT"
    RANKED_LOWER = "RANKED_LOWER"


@dataclass(frozen=True, slots=True)
class Provider:
    """What the directory says of a provider, as far as matching may look at it.

    `areas` are jurisdiction codes, counties and ZIP3 that it serves; empty means that it serves anywhere.
    `languages` are BCP 47 primary tags spoken by staff.
    """

    org: OrgId
    org_class: OrgClass
    category: RecipientCategory
    services: frozenset[Service]
    areas: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    interpreter: bool = True
    accepts_pets: bool = True
    step_free: bool = True
    household_max: int | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Capacity:
    """Free places as the provider said at `as_of` (UTC). Never an exact number of beds."""

    bucket: CapacityBucket
    as_of: datetime


class NeedFacts(NamedTuple):
    """The coarse facts of a need: what is asked for, where, and what the place must have."""

    referral_id: ReferralId
    category: RecipientCategory
    services: frozenset[Service]
    jurisdiction: str
    area: str | None
    household: int
    language: str | None
    interpreter: bool
    step_free: bool
    pets: tuple[str, ...]
    priority: Priority


@dataclass(frozen=True, slots=True)
class Match:
    """The providers to ask now, best first, and for every other candidate why not."""

    chosen: tuple[Provider, ...]
    passed_over: Mapping[OrgId, PassedOver]


_PLACES: Final = {CapacityBucket.SOME: 0, CapacityBucket.FEW: 1}
_UNKNOWN: Final = 2
"""Ranks behind every fresh count: stale means unknown, call to confirm (lessons.md G17)."""


def match(
    need: NeedFacts,
    providers: Sequence[Provider],
    capacity: Mapping[tuple[OrgId, Service], Capacity],
    *,
    already: Set[OrgId],
    permitted: Callable[[Provider], Decision],
    now: datetime,
    pack: PolicyPack,
    count: int,
    recent_offers: Mapping[OrgId, int],
) -> Match:
    """Up to `count` providers for a need, and the reason for each one passed over.

    `already` were asked before for this need. `permitted` is the gate's decision on an offer to a candidate, asked in
    order of rank until enough are found: matching never chooses one that the gate denies. `recent_offers` counts what
    each was asked lately, for fairness.
    """
    passed: dict[OrgId, PassedOver] = {}
    ranked: list[tuple[int, int, bytes, Provider]] = []
    for provider in providers:
        reason = _unfit(need, provider, already)
        places = _places(need, provider, capacity, now, pack) if reason is None else None
        if places is None:
            passed[provider.org] = reason or PassedOver.NO_CAPACITY
            continue
        ranked.append((places, recent_offers.get(provider.org, 0), _lot(need, provider), provider))
    ranked.sort(key=lambda entry: entry[:3])
    return _chosen([provider for *_, provider in ranked], permitted, passed, count)


def _chosen(
    ranked: list[Provider],
    permitted: Callable[[Provider], Decision],
    passed: dict[OrgId, PassedOver],
    count: int,
) -> Match:
    """The first `count` that the gate permits, as far as a release that names only a kind allows offers at once.

    Who ranks behind them is not asked about: the gate is asked about every way out, and there is none.
    """
    chosen: list[Provider] = []
    for provider in ranked:
        if len(chosen) >= count:
            passed[provider.org] = PassedOver.RANKED_LOWER
            continue
        decision = permitted(provider)
        limit = decision.obligations.max_concurrent_offers
        if decision.effect is not Effect.PERMIT:
            passed[provider.org] = PassedOver.CONSENT
        elif limit is not None and len(chosen) >= limit:
            passed[provider.org] = PassedOver.CONSENT_LIMIT
        else:
            chosen.append(provider)
    return Match(tuple(chosen), passed)


def _unfit(need: NeedFacts, provider: Provider, already: Set[OrgId]) -> PassedOver | None:
    """The first hard fact that rules a candidate out; None where all fit."""
    if not provider.active:
        return PassedOver.INACTIVE
    if provider.category is not need.category:
        return PassedOver.OTHER_KIND
    if provider.org in already:
        return PassedOver.ALREADY_ASKED
    if not need.services <= provider.services:
        return PassedOver.SERVICE_NOT_OFFERED
    if not _serves(provider.areas, need):
        return PassedOver.NOT_ELIGIBLE_AREA
    return _unfit_for_household(need, provider)


def _unfit_for_household(need: NeedFacts, provider: Provider) -> PassedOver | None:
    if need.step_free and not provider.step_free:
        return PassedOver.CANNOT_ACCOMMODATE_ACCESS
    if need.pets and not provider.accepts_pets:
        return PassedOver.CANNOT_ACCOMMODATE_PET
    if provider.household_max is not None and need.household > provider.household_max:
        return PassedOver.HOUSEHOLD_TOO_LARGE
    if need.language is not None and not _speaks(provider, need.language):
        return PassedOver.LANGUAGE_UNAVAILABLE
    return None


def _speaks(provider: Provider, language: str) -> bool:
    """Staff who speak it, or an interpreter: a provider that lists no languages is taken to have one."""
    return provider.interpreter or not provider.languages or language.split("-")[0].lower() in provider.languages


def _serves(areas: frozenset[str], need: NeedFacts) -> bool:
    """Whether the need's area, its jurisdiction, or a region around one of them is served.

    Where the source named no area, a provider of a part of the jurisdiction may serve: what is not known rules nobody
    out.
    """
    if not areas or not areas.isdisjoint(_around(need.jurisdiction)):
        return True
    if need.area is None:
        return any(area.startswith(f"{need.jurisdiction}-") for area in areas)
    return not areas.isdisjoint(_around(need.area))


@lru_cache(maxsize=4096)
def _around(place: str) -> frozenset[str]:
    """A place by its code and the regions that contain it: US-TX-113, US-TX, US."""
    parts = place.split("-")
    return frozenset("-".join(parts[:length]) for length in range(1, len(parts) + 1))


def _places(
    need: NeedFacts,
    provider: Provider,
    capacity: Mapping[tuple[OrgId, Service], Capacity],
    now: datetime,
    pack: PolicyPack,
) -> int | None:
    """The rank of a candidate's free places, by the tightest service asked for; None where one is full for certain."""
    worst = 0
    for service in need.services:
        known = capacity.get((provider.org, service))
        if known is None or now - known.as_of > pack.capacity_fresh:
            worst = _UNKNOWN
        elif known.bucket is CapacityBucket.NONE:
            return None
        else:
            worst = max(worst, _PLACES[known.bucket])
    return worst


def _lot(need: NeedFacts, provider: Provider) -> bytes:
    """A fixed lot for a referral and a provider: even over referrals, the same at every asking."""
    return blake2b(f"{need.referral_id}/{provider.org}".encode(), digest_size=8).digest()

"""The coarse form of an offer that rests on no release: counts capped, times left out, rare languages unnamed.

VAWA-01b, domain.md §2.2. Even without a name, six children or a language that three families speak say who it is.
"""

from typing import Final

from broker.domain.pack import PolicyPack
from broker.schemas.clear_groups import AccessNeeds, NeedSummary, OfferedNeed

household_count_max: Final = 5
"""Five stands for five or more (VAWA-01b)."""


def coarse_need(need: NeedSummary) -> OfferedNeed:
    """FG01 with counts capped and without the moment by which help is needed."""
    return OfferedNeed(
        adults=min(need.adults, household_count_max),
        children=min(need.children, household_count_max),
        child_age_bands=tuple(dict.fromkeys(need.child_age_bands)),
        safe_tonight=need.safe_tonight,
        length_of_need=need.length_of_need,
    )


def coarse_access(access: AccessNeeds, pack: PolicyPack) -> AccessNeeds:
    """FG02 with the language named only where it is common, an interpreter asked for otherwise."""
    language = access.preferred_language
    if language is None or language.split("-")[0].lower() in pack.common_languages:
        return access
    return access.model_copy(update={"preferred_language": None, "interpreter": True})

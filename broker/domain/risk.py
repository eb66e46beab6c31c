"""What a risk screen does to urgency: it raises it or leaves it, and never widens what may be shared (domain.md §0.6).

No score is computed here: the instrument's own result and band are taken as they come. A low result lowers nothing,
because instruments miss cases (§6.4).
"""

from typing import Final

from broker.domain.pack import RiskFloors
from broker.schemas.vocabulary import Priority, RiskBand, ScreeningResult

_SCREENED_IN: Final = frozenset({ScreeningResult.SCREENED_IN_PROTOCOL, ScreeningResult.SCREENED_IN_BELIEF})


def priority_floor(
    result: ScreeningResult, band: RiskBand | None, *, unsafe_tonight: bool, floors: RiskFloors
) -> Priority | None:
    """The least urgency that the screen demands (§6.1, §6.5); None where it demands none."""
    if result in _SCREENED_IN:
        return floors.screened_in_unsafe_tonight if unsafe_tonight else floors.screened_in
    return floors.bands.get(band) if band is not None else None

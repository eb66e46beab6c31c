"""A risk screen raises urgency as domain.md §6.5 says, and lowers nothing."""

import pytest

from broker.domain.deadlines import raised
from broker.domain.risk import priority_floor
from broker.schemas.vocabulary import Priority, RiskBand, ScreeningResult
from tests.domain.cast import pack

R, B = ScreeningResult, RiskBand


@pytest.mark.parametrize(
    ("result", "band", "unsafe_tonight", "floor"),
    [
        (R.SCREENED_IN_PROTOCOL, None, True, Priority.P0),
        (R.SCREENED_IN_BELIEF, None, True, Priority.P0),
        (R.SCREENED_IN_PROTOCOL, None, False, Priority.P1),
        (R.SCREENED_IN_BELIEF, None, False, Priority.P1),
        (R.BAND, B.HIGH, False, Priority.P1),
        (R.BAND, B.SEVERE, True, Priority.P1),
        (R.BAND, B.EXTREME, False, Priority.P1),
        (R.BAND, B.MEDIUM, True, None),
        (R.BAND, B.STANDARD, False, None),
        (R.BAND, B.VARIABLE, False, None),
        (R.BAND, B.INCREASED, False, None),
        (R.BAND, None, True, None),
        (R.NOT_SCREENED_IN, None, True, None),
        (R.DID_NOT_ANSWER_ANY, None, True, None),
    ],
)
def test_the_floor_is_the_domains(
    result: ScreeningResult, band: RiskBand | None, unsafe_tonight: bool, floor: Priority | None
) -> None:
    """domain.md §6.1, §6.5."""
    assert priority_floor(result, band, unsafe_tonight=unsafe_tonight, floors=pack().risk) is floor


@pytest.mark.parametrize("asked_for", list(Priority))
@pytest.mark.parametrize("result", list(ScreeningResult))
def test_no_screen_lowers_what_a_human_asked_for(result: ScreeningResult, asked_for: Priority) -> None:
    """Instruments miss cases (§6.4)."""
    for band in (None, *RiskBand):
        floor = priority_floor(result, band, unsafe_tonight=True, floors=pack().risk)
        assert floor is None or raised(asked_for, floor) <= asked_for

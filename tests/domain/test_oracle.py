"""The decision and a second opinion, compiled from domain.md to Cedar, agree on effect and on every group (C4)."""

import pytest

from tests.domain.oracle.cases import QUESTIONS
from tests.domain.oracle.comparison import Comparison, compare

DECISIONS = 20_000
PARTS = 8
"""So many tests, so that two workers share the work."""
EACH = DECISIONS // QUESTIONS // PARTS


@pytest.mark.parametrize("part", range(PARTS))
def test_the_decision_is_what_cedar_says(part: int) -> None:
    """C4: 2,500 decisions under seven packs, and no two opinions about any of them."""
    found = compare(range(part * EACH, (part + 1) * EACH))
    assert not found.differences, found.differences[0]
    assert found.decisions == EACH * QUESTIONS
    _varied(found)


def _varied(found: Comparison) -> None:
    """A comparison says something only where much is allowed, much refused, and for many reasons."""
    assert found.effects["PERMIT"] > found.decisions // 10
    assert found.effects["HOLD"] > found.decisions // 20
    assert len(found.reasons) > 15
    assert found.bases.keys() >= {"RELEASE", "AGREEMENT", "SAFEGUARDING_SCH1_P18", "VITAL_INTERESTS", "BREAK_GLASS"}

"""What a victim service provider's opaque offer may say is coarse: VAWA-01b."""

import pytest

from broker.domain.coarse import coarse_access, coarse_need
from broker.schemas.clear_groups import AccessNeeds, NeedSummary
from broker.schemas.vocabulary import AgeBand
from tests.domain.cast import NOW, pack


def test_counts_stop_at_five_ages_are_named_once_and_no_moment_is_told() -> None:
    """Seven children are five or more; how many of an age is not told either."""
    ages = (AgeBand.AGE_3_5, AgeBand.AGE_3_5, AgeBand.AGE_10_12)
    told = coarse_need(NeedSummary(adults=6, children=7, child_age_bands=ages, safe_tonight=False, needed_by=NOW))
    assert (told.adults, told.children) == (5, 5)
    assert told.child_age_bands == (AgeBand.AGE_3_5, AgeBand.AGE_10_12)
    assert told.needed_by is None
    assert told.safe_tonight is False


@pytest.mark.parametrize(
    ("language", "told", "interpreter"),
    [("es-MX", "es-MX", False), ("en", "en", False), ("mam", None, True), (None, None, False)],
)
def test_a_language_is_named_only_where_many_speak_it(
    language: str | None, told: str | None, interpreter: bool
) -> None:
    """Otherwise: an interpreter is needed."""
    access = coarse_access(AccessNeeds(preferred_language=language, step_free=True), pack())
    assert (access.preferred_language, access.interpreter, access.step_free) == (told, interpreter, True)

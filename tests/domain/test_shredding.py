"""When what the broker holds sealed has served: a day after a receipt, three days after silence, at once when over."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.domain.shredding import NeedStanding, Served, Times, ends
from broker.schemas.vocabulary import NeedState, RecipientCategory

CAME = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIMES = Times(receipt=24 * HOUR, unreceipted=72 * HOUR, look=24 * HOUR, longest=21 * 24 * HOUR)
LAST = CAME + TIMES.longest
EXPIRES = CAME + 48 * HOUR
SHELTER, LEGAL = RecipientCategory.SHELTER, RecipientCategory.LEGAL_AID
IDLE = (NeedState.SUBMITTED, NeedState.CONSENT_HOLD, NeedState.OFFERED, NeedState.WAITLISTED, NeedState.MATCHING)


def standing(
    state: str, changed: int = 1, handed: int | None = None, category: RecipientCategory = SHELTER
) -> NeedStanding:
    """A need that came to this state, and was handed over, so many hours after its referral came."""
    return NeedStanding(
        category, NeedState(state), CAME + changed * HOUR, EXPIRES, None if handed is None else CAME + handed * HOUR
    )


@pytest.mark.parametrize(
    ("need", "hours", "why"),
    [
        (standing("CONTACT_PENDING", handed=2), 74, Served.HANDED_OVER),
        (standing("ENGAGED", 5, handed=2), 29, Served.HANDED_OVER),
        (standing("IN_SERVICE", 200, handed=2), 74, Served.HANDED_OVER),
        (standing("REVOKED", 7), 7, Served.NEED_OVER),
        (standing("COMPLETED", 9, handed=2), 9, Served.NEED_OVER),
        (standing("NO_MATCH", 3), 48, Served.NEED_OVER),
        (standing("CONTACT_PENDING", 600, handed=500), 504, Served.KEPT_TOO_LONG),
    ],
)
def test_wrapped_keys_end_by_what_became_of_their_need(need: NeedStanding, hours: int, why: Served) -> None:
    """Receipt and a day, silence and three, the end of the need, the referral's own deadline, three weeks at most."""
    end = ends([need], CAME, TIMES).keys[SHELTER]
    assert (end.at, end.why) == (CAME + hours * HOUR, why)


@pytest.mark.parametrize("state", IDLE)
def test_what_a_need_may_still_release_is_kept_for_it(state: NeedState) -> None:
    """Held, offered, on a waiting list, or with the next provider: nothing of it goes while it may be handed over."""
    found = ends([standing(state), standing("REVOKED", category=LEGAL)], CAME, TIMES)
    assert (found.keys[SHELTER].at, found.ciphertexts) == (LAST, LAST)
    assert found.keys[LEGAL].at == CAME + HOUR


def test_keys_that_have_not_come_whole_are_waited_for() -> None:
    """Late sealing: as long as its source is asked for keys, what came of them stays, and what they open."""
    found = ends([standing("CONTACT_PENDING")], CAME, TIMES)
    assert (found.keys[SHELTER].at, found.ciphertexts) == (LAST, LAST)


@pytest.mark.parametrize("state", ["CONTACT_PENDING", "ENGAGED"])
def test_ciphertexts_wait_while_the_need_may_come_back(state: str) -> None:
    """A provider may give it back: the keys are gone, the source is asked to wrap for the next one."""
    found = ends([standing(state, handed=1)], CAME, TIMES)
    assert found.keys[SHELTER].at < found.ciphertexts == LAST


def test_ciphertexts_go_with_the_last_of_their_keys() -> None:
    """Two needs, one in service and one over: with the later of the two, and never before."""
    found = ends([standing("IN_SERVICE", 30, handed=2), standing("EXPIRED", 40, category=LEGAL)], CAME, TIMES)
    assert found.ciphertexts == max(end.at for end in found.keys.values()) == CAME + 54 * HOUR


def test_the_next_look_is_at_the_next_end_or_a_day_later() -> None:
    """Never later than something ends; a day at most while a need is open; a last one when nothing can be kept."""
    open_need = ends([standing("OFFERED")], CAME, TIMES)
    assert open_need.look_again(CAME + 24 * HOUR, TIMES.look) == CAME + 48 * HOUR
    handed = ends([standing("ENGAGED", 5, handed=2)], CAME, TIMES)
    assert handed.look_again(CAME + 24 * HOUR, TIMES.look) == CAME + 29 * HOUR
    over = ends([standing("REVOKED", 5)], CAME, TIMES)
    assert over.look_again(CAME + 5 * HOUR, TIMES.look) == LAST
    assert over.look_again(LAST, TIMES.look) is None

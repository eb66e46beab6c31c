"""What waits for a human about a need ends with it, however it ends; what must be answered for stays."""

from uuid import uuid4

import pytest

from broker.domain.lifecycle import NEED, is_terminal
from broker.domain.work_list import SETTLED_AT, Waiting
from broker.schemas.event import EventData
from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_recalled import ReferralRecalled
from broker.schemas.vocabulary import NeedState
from tests.broker.county import County
from tests.broker.facts import POLICE, read, request

ENDING = ("OFFER_UNSEEN", "COORDINATOR_NEEDED", "CONTACT_OVERDUE", "UNDELIVERED")
STAYING = ("BREAK_GLASS_USED", "DEADLINE_FAILED", "KEY_REVOKED", "REVOCATION_UNANSWERED")


async def _waiting(county: County, referral: ReferralId) -> set[str]:
    rows = await county.pool.fetch(
        "SELECT reason FROM work_item WHERE referral_id = $1 AND resolved_at IS NULL", referral
    )
    return {row["reason"] for row in rows}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("event", [ReferralCancelled, ReferralRecalled])
async def test_nobody_is_kept_waiting_about_a_need_that_is_over(served: County, event: type[EventData]) -> None:
    """Taken back or recalled by its source: the list keeps what somebody has still to answer for, and no more."""
    referral = new_referral_id()
    await served.say(POLICE, request(), referral)
    await served.settled()
    for reason in (*ENDING, *STAYING):
        await served.pool.execute(
            "INSERT INTO work_item (work_id, referral_id, category, reason, owner, priority, raised_at)"
            " VALUES ($1, $2, 'SHELTER', $3, 'org-broker', 'P1', now())",
            str(uuid4()),
            referral,
            reason,
        )
    await served.say(POLICE, read(event, dict(event.EXAMPLE)), referral)
    await served.settled()
    assert await _waiting(served, referral) == set(STAYING)


def test_a_person_who_is_still_out_there_is_looked_after() -> None:
    """Expired, or not reached: that item stays where the need ended so, and goes where its source says otherwise."""
    assert SETTLED_AT.keys() == {state for state in NeedState if is_terminal(NEED, state)}
    assert Waiting.EXPIRED_UNTAKEN not in SETTLED_AT[NeedState.EXPIRED]
    assert Waiting.UNREACHABLE not in SETTLED_AT[NeedState.UNREACHABLE]
    assert SETTLED_AT[NeedState.ENTERED_IN_ERROR] >= {Waiting.EXPIRED_UNTAKEN, Waiting.UNREACHABLE}

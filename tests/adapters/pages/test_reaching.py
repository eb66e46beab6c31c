"""A provider's own system that takes nothing is told on its list, where people work whom it sends nothing to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from adapters.standing import Standing
from broker.look.words import moment
from broker.schemas.ids import OfferId
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.house import BROOK, House

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(hours=3)
ADVICE = "they come here meanwhile. Tell whoever runs it."


async def channel(house: House, org: str = HAVEN, place: int = 1, transport: str = "webhook", **how: Any) -> None:
    """A way by which the provider is reached."""
    await house.desk.pool.execute(
        "INSERT INTO channel (org_id, place, transport, settings, folder, on_call, paused, failures, probe_at,"
        " changed_at) VALUES ($1, $2, $3, '{}', $4, false, $5, 0, $6, clock_timestamp())",
        *(org, place, transport, f"f{place}", how.get("paused"), how.get("probe_at")),
    )


async def tried(house: House, offer_id: OfferId, *attempts: tuple[int, str, datetime], now_at: int = 2) -> None:
    """A delivery of an offer, and by which place, with which outcome and when it was attempted."""
    delivery = await house.desk.pool.fetchval(
        "INSERT INTO delivery (org_id, message_id, type, offer_id, referral_id, state, place, attempts, tries, owner,"
        " receipt_due, made_at, queued_at) VALUES ($1, $2, 't', $3, 'r', 'DELIVERED', $4, 0, 0, $1, false, $5, $5)"
        " RETURNING delivery_id",
        *(HAVEN, f"m-{offer_id}", offer_id, now_at, SINCE),
    )
    for number, (place, outcome, began_at) in enumerate(attempts, 1):
        await house.desk.pool.execute(
            "INSERT INTO attempt (delivery_id, number, transport, place, outcome, code, began_at, duration_ms)"
            " VALUES ($1, $2, 't', $3, $4, 'C', $5, 1)",
            *(delivery, number, place, outcome, began_at),
        )


async def said(house: House) -> list[str]:
    """What the list says of it."""
    async with house.person(HAVEN) as page:
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        return await page.locator(".failing").all_inner_texts()


async def test_a_system_that_does_not_answer_is_told_since_when(house: House) -> None:
    """Its breaker is open: since the first attempt in vain after it last answered, and what to do about it."""
    await channel(house, probe_at=NOW)
    await channel(house, place=2, transport="inbox")
    offer_id = await house.offered(HAVEN, Standing.WAITING)
    before = SINCE - timedelta(hours=1)
    await tried(house, offer_id, (1, "TRY_AGAIN", before), (1, "REFUSED", before + timedelta(minutes=1)), now_at=1)
    assert await said(house) == [f"Your system that takes referrals (webhook) does not answer: {ADVICE}"]
    other = await house.offered(HAVEN, Standing.WAITING)
    later = SINCE + timedelta(hours=1)
    await tried(house, other, (1, "TRY_AGAIN", SINCE), (1, "TRY_AGAIN", later), (2, "DELIVERED", later))
    assert await said(house) == [
        f"Your system that takes referrals (webhook) has not answered since {moment(SINCE)}: {ADVICE}"
    ]


async def test_a_paused_system_is_told(house: House) -> None:
    """A person has to look at it; and a house whose systems work, or that has none, hears nothing of another's."""
    await channel(house, BROOK, transport="fhir", paused="HTTP_410")
    await channel(house, transport="inbox")
    await channel(house, place=2)
    assert await said(house) == []
    await house.desk.pool.execute("UPDATE channel SET paused = 'HTTP_410' WHERE org_id = $1 AND place = 2", HAVEN)
    assert await said(house) == [
        f"Nothing is sent to your system that takes referrals (webhook) until somebody has looked at it: {ADVICE}"
    ]


@pytest.mark.parametrize(
    ("attempts", "told"),
    [
        ([(1, "TRY_AGAIN", SINCE), (2, "DELIVERED", SINCE)], True),
        ([(1, "TRY_AGAIN", SINCE), (2, "TRY_AGAIN", SINCE), (1, "DELIVERED", NOW)], False),
        ([(1, "TRY_AGAIN", NOW - timedelta(hours=25)), (2, "DELIVERED", SINCE)], False),
        ([(2, "TRY_AGAIN", SINCE)], False),
    ],
    ids=["diverted", "answered since", "yesterday", "still tried there"],
)
async def test_a_system_that_was_gone_around_is_told_for_a_day(
    house: House, attempts: list[tuple[int, str, datetime]], told: bool
) -> None:
    """Its breaker is closed, and others carried what it did not take: until it answers, or a day is over."""
    await channel(house)
    await channel(house, place=2, transport="email")
    await tried(house, await house.offered(HAVEN), *attempts)
    assert [f"(webhook) has not answered since {moment(SINCE)}" in line for line in await said(house)] == [True] * told

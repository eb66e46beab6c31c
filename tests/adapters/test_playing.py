"""Providers that are played in the practice network: each part takes an offer as far as it says, and no further."""

import pytest
from typer.testing import CliRunner

from adapters.commands import inbox_app
from adapters.errors import NotPractice
from adapters.inbox.inbox import Inbox
from adapters.inbox.playing import Part, play
from adapters.standing import Standing
from broker.schemas.vocabulary import MsgStatus
from broker.settings import load_settings
from tests.adapters.courier_desk import HAVEN, CourierDesk

ENDS = {
    Part.SERVES: Standing.COMPLETED,
    Part.DECLINES: Standing.DECLINED,
    Part.WAITLISTS: Standing.WAITLISTED,
    Part.GIVES_BACK: Standing.GIVEN_BACK,
    Part.UNREACHABLE: Standing.UNREACHABLE,
    Part.LEAVES: Standing.CONTACT_PENDING,
}


@pytest.mark.parametrize("part", Part)
async def test_a_part_is_played_to_its_end(desk: CourierDesk, part: Part) -> None:
    """One act at a time, each after the one before has left; at the end nothing more is done."""
    [(offer_id, _)] = await desk.offers(HAVEN)
    inbox = Inbox(desk.pool, desk.providers[HAVEN], MsgStatus.EXERCISE)
    done = []
    assert await play(inbox, part) == [], "its receipt has not left"
    await desk.pool.execute("UPDATE answer SET sent_at = now()")
    while acts := await play(inbox, part):
        done += acts
        assert await play(inbox, part) == [], "what has not left is waited for"
        await desk.pool.execute("UPDATE answer SET sent_at = now()")
    reference = (await inbox.find(offer_id)).reference
    assert [told for told, _ in done] == [reference] * len(done)
    assert (await inbox.find(offer_id)).standing is done[-1][1] is ENDS[part]


def test_nobody_plays_in_the_live_network() -> None:
    """There a person answers; it says where playing belongs, before anything is opened."""
    live = load_settings(_env_file=None)

    def never() -> None:
        raise AssertionError

    result = CliRunner().invoke(inbox_app(never, lambda: live), ["play", "--part", "declines", "--once"])  # type: ignore[arg-type]
    assert isinstance(result.exception, NotPractice)
    assert "HANDOFF_ENVIRONMENT=exercise" in str(result.exception.remedy)
